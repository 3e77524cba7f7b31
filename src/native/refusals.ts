/** Why a capture cannot be opened, and what to do about it: the same for every engine. */
import { LbcapError } from '../errors.js';
import { platform } from '../loopback/platform.js';
import { oneLine } from './text.js';

/** `INTERFACE_UNKNOWN`, with the names there are. */
export function unknownInterface(name: string, names: readonly string[]): LbcapError {
  return new LbcapError(
    'INTERFACE_UNKNOWN',
    `there is no interface '${oneLine(name)}'`,
    names.length > 0 ? `choose one of ${names.join(', ')}` : 'none can be captured on here',
    { details: { interfaces: names } },
  );
}

/** `CAPTURE_PERMISSION`, with the ways to get it. */
export function permissionMissing(name: string, why: string): LbcapError {
  const shown = oneLine(name);
  const ways = [
    'run it as root (sudo env "PATH=$PATH" lbcap …)',
    ...(platform() === 'darwin'
      ? ["install Wireshark's ChmodBPF and join the group access_bpf"]
      : []),
    'give yourself the right to run dumpcap, which lbcap then uses (sudo dpkg-reconfigure wireshark-common && sudo usermod -aG wireshark "$USER", and log in again)',
    `let tcpdump capture (sudo tcpdump -i ${shown} -U -w - | lbcap watch -r - …)`,
  ];
  return new LbcapError(
    'CAPTURE_PERMISSION',
    `no permission to capture on ${shown} (${why})`,
    ways.join('; or '),
    { details: { ways } },
  );
}
