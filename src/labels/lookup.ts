export interface LabelLookup {
  readonly usesPorts: boolean;
  v4(address: number, port: number): number;
  v6(view: DataView, offset: number, port: number): number;
}
