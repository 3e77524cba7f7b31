/** The install command: one per family of systems, with sudo for those who are not root. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installCommandFor } from '../../src/native/install-command.js';

const systems: readonly (readonly [osRelease: string, command: string | null])[] = [
  ['ID=debian\nVERSION_ID="12"\n', 'apt-get install -y libpcap0.8'],
  ['NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', 'apt-get install -y libpcap0.8'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'dnf install -y libpcap'],
  ["ID='fedora'\n", 'dnf install -y libpcap'],
  ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', 'zypper install -y libpcap1'],
  ['ID=opensuse-tumbleweed\n', 'zypper install -y libpcap1'],
  ['ID=manjaro\nID_LIKE=arch\n', 'pacman -S --noconfirm libpcap'],
  ['NAME="Alpine Linux"\nID=alpine\n', 'apk add libpcap'],
  ['ID=constructor\n', null],
  ['', null],
];

for (const [osRelease, command] of systems) {
  test(`${osRelease.replaceAll('\n', ' ')}→ ${command}`, () => {
    assert.equal(installCommandFor('libpcap', osRelease, true), command);
    assert.equal(
      installCommandFor('libpcap', osRelease, false),
      command === null ? null : `sudo ${command}`,
    );
  });
}
