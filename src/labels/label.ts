/** The model of a label: a name and the endpoints that it stands for. */

/** An IP address as its bytes in network order: 4 or 16 of them. */
export type AddressBytes = Uint8Array;

/**
 * A block of addresses (a single address is a /32 or /128), and a port where peers share an
 * address. Host bits of `address` are zero. IPv4-mapped IPv6 is stored as IPv4.
 */
export interface Endpoint {
  readonly family: 4 | 6;
  readonly address: AddressBytes;
  /** Prefix length: 0 to 32, or 0 to 128. */
  readonly prefix: number;
  /** TCP, UDP or SCTP port, 1 to 65535; `null` is every packet of the address. */
  readonly port: number | null;
}

/** A named client. Its endpoints are the shortest CIDR list of what was written. */
export interface Label {
  /** `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`: also a file name and a Wireshark name. */
  readonly name: string;
  /** As the user wrote it, `127.0.0.2` or `127.0.1.0/28,[::1]:9092`: for tables. */
  readonly text: string;
  readonly endpoints: readonly Endpoint[];
}
