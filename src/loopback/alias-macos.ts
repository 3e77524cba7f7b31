/** Loopback addresses on macOS: ifconfig(8), launchd.plist(5). */
import type { AliasSystem, Words } from './alias-system.js';

export const macosAliases: AliasSystem = {
  interface: 'lo0',
  blocksAreLocal: false,
  add: (family, address) =>
    family === 4
      ? ['ifconfig', 'lo0', 'alias', address, 'up']
      : ['ifconfig', 'lo0', 'inet6', address, 'prefixlen', '128', 'alias'],
  remove: (family, address) =>
    family === 4
      ? ['ifconfig', 'lo0', '-alias', address]
      : ['ifconfig', 'lo0', 'inet6', address, '-alias'],
  persistence: { path: '/Library/LaunchDaemons/lbcap.alias.plist', text: launchDaemon },
  persistenceAdvice: '',
};

/** A daemon that runs once, as the system starts. The words are addresses and need no quoting. */
function launchDaemon(commands: readonly Words[]): string {
  const script = commands.map((words) => `/sbin/${words.join(' ')}`).join('; ');
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>lbcap.alias</string>
  <key>RunAtLoad</key>
  <true/>
  <key>ProgramArguments</key>
  <array>
    <string>/bin/sh</string>
    <string>-c</string>
    <string>${script}</string>
  </array>
</dict>
</plist>
`;
}
