/** Compiles what is written in AssemblyScript to WebAssembly, beside the modules that load it. */
import { main } from 'assemblyscript/asc';
import { copyFile, mkdir } from 'node:fs/promises';

/** Into `dist/src/assembly`, and into the bundles' folder. */
export async function assemble(name: string, bundles: string): Promise<void> {
  const output = `dist/src/assembly/${name}.wasm`;
  await mkdir('dist/src/assembly', { recursive: true });
  const { error, stderr } = await main([
    `src/assembly/${name}.ts`,
    ...['--outFile', output],
    // The arena's; and nothing is ever allocated.
    '--importMemory',
    ...['--runtime', 'stub'],
    ...['--enable', 'simd,bulk-memory'],
    ...['-O3', '--noAssert'],
  ]);
  if (error !== null) throw new Error(`${stderr.toString()}\n${error.message}`);
  await mkdir(bundles, { recursive: true });
  await copyFile(output, `${bundles}/${name}.wasm`);
}
