/** An interface description block, read. */
import { interfaceDescriptionLayout, optionCodes } from './pcapng-layout.js';
import { readOptions } from './pcapng-options.js';
import { binaryTicks, decimalTicks, type TickRate } from './ticks.js';

export interface InterfaceDescription {
  readonly linkType: number;
  /** Bytes; 0 is no limit. */
  readonly snaplen: number;
  readonly rate: TickRate;
  /** Seconds to add to each timestamp. */
  readonly offset: number;
}

const microseconds = decimalTicks(6);
/** The most that fit a 64-bit number of ticks: libpcap refuses more (sf-pcapng.c), and so does lbcap. */
const most = { decimal: 19, binary: 63 } as const;

/**
 * Reads the block at `[start, end)`, of which the length is checked.
 * @returns the words of a complaint instead when it cannot be
 */
export function readInterface(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
): InterfaceDescription | string {
  let rate = microseconds;
  let offset = 0;
  const optionsEnd = end - 4;
  for (const option of readOptions(
    view,
    start + interfaceDescriptionLayout.options,
    optionsEnd,
    little,
  )) {
    if (option.length < 0) return 'an option of an interface description goes beyond its block';
    if (option.code === optionCodes.interface.resolution && option.length === 1) {
      const value = view.getUint8(option.start);
      const exponent = value & 0x7f;
      const isBinary = value > 0x7f;
      if (exponent > (isBinary ? most.binary : most.decimal)) {
        return `an interface counts time in units of ${isBinary ? 2 : 10}^-${exponent} s, which 64 bits cannot hold`;
      }
      rate = isBinary ? binaryTicks(exponent) : decimalTicks(exponent);
    } else if (option.code === optionCodes.interface.offset && option.length === 8) {
      offset = Number(view.getBigInt64(option.start, little));
    }
  }
  return {
    linkType: view.getUint16(start + interfaceDescriptionLayout.linkType, little),
    snaplen: view.getUint32(start + interfaceDescriptionLayout.snaplen, little),
    rate,
    offset,
  };
}
