/** WebAssembly as far as it is used here: Node has it, but its types for Node 20 do not. */

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** Opaque. */
export interface WasmModule {
  readonly kind?: 'module';
}

interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: Record<string, Record<string, unknown>>,
  ) => { readonly exports: unknown };
}

export const { WebAssembly: webAssembly } = globalThis as unknown as {
  WebAssembly: WebAssemblyApi;
};
