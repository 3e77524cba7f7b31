/** What the blocks of a pcapng section have said so far: its byte order and its interfaces. */
import type { BatchFormat } from '../packet/batch.js';
import {
  blockLayout,
  blockTypes,
  byteOrderMagic,
  interfaceDescriptionLayout,
  sectionHeaderLayout,
} from './pcapng-layout.js';
import { readInterface, type InterfaceDescription } from './pcapng-interface.js';

/** More are damage: nobody has as many, and each takes memory. */
export const mostInterfaces = 65_536;

/** What becomes of packets. */
export interface PacketForm {
  /** Blocks stay as they are; else they become pcap records. */
  readonly blocks: boolean;
  /** Of pcap records: the unit of fractions. */
  readonly nanoseconds: boolean;
}

/** An interface, and how its packets are handed over. */
export interface SectionInterface extends InterfaceDescription {
  /** Equal formats are the same object. */
  readonly format: BatchFormat;
}

/** Byte order of the section whose header begins at `at`, `null` when it is none. 12 bytes must be there. */
export function sectionByteOrder(view: DataView, at: number): 'little' | 'big' | null {
  if (view.getUint32(at + blockLayout.type) !== blockTypes.sectionHeader) return null;
  const magic = at + sectionHeaderLayout.magic;
  if (view.getUint32(magic, true) === byteOrderMagic) return 'little';
  return view.getUint32(magic) === byteOrderMagic ? 'big' : null;
}

export class Section {
  little = true;
  /** By their number. */
  interfaces: SectionInterface[] = [];
  readonly #form: PacketForm;
  readonly #formats = new Map<string, BatchFormat>();

  constructor(form: PacketForm) {
    this.#form = form;
  }

  /**
   * Takes in a section header or an interface description at `[start, end)`, whole and with lengths
   * that agree; other blocks it knows nothing about.
   * @returns what is wrong with it, or `null`
   */
  take(view: DataView, start: number, end: number): string | null {
    const type = view.getUint32(start + blockLayout.type, this.little);
    if (type === blockTypes.sectionHeader) return this.#begin(view, start, end);
    if (type === blockTypes.interfaceDescription) return this.#addInterface(view, start, end);
    return null;
  }

  #begin(view: DataView, start: number, end: number): string | null {
    const order = sectionByteOrder(view, start);
    if (order === null || end - start < sectionHeaderLayout.minimumSize) {
      return 'a section header without its byte-order magic';
    }
    this.little = order === 'little';
    this.interfaces = [];
    const major = view.getUint16(start + sectionHeaderLayout.versionMajor, this.little);
    const minor = view.getUint16(start + sectionHeaderLayout.versionMinor, this.little);
    // 1.2 is 1.0 (draft-ietf-opsawg-pcapng, section 4.1).
    if (major === 1 && (minor === 0 || minor === 2)) return null;
    return `a section of version ${major}.${minor}, and only 1.0 is known`;
  }

  #addInterface(view: DataView, start: number, end: number): string | null {
    if (end - start < interfaceDescriptionLayout.minimumSize)
      return 'an interface description that is too short';
    if (this.interfaces.length === mostInterfaces) {
      return `more than ${mostInterfaces} interfaces in a section`;
    }
    const description = readInterface(view, start, end, this.little);
    if (typeof description === 'string') return description;
    this.interfaces.push({ ...description, format: this.#formatOf(description) });
    return null;
  }

  #formatOf({ linkType, rate, offset }: InterfaceDescription): BatchFormat {
    const { blocks, nanoseconds } = this.#form;
    const bigEndian = !this.little;
    const key = [linkType, bigEndian, ...(blocks ? [rate.tick, offset] : [])].join();
    const known = this.#formats.get(key);
    if (known !== undefined) return known;
    const format: BatchFormat = {
      linkType,
      bigEndian,
      nanoseconds,
      ...(blocks ? { blocks: { tick: rate.tick, offset } } : {}),
    };
    // Who changes formats with every interface gets new ones: equal ones only cost longer batches.
    if (this.#formats.size >= 1024) this.#formats.clear();
    this.#formats.set(key, format);
    return format;
  }
}
