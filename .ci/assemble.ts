/** Compiles what is written in AssemblyScript to WebAssembly, beside the modules that load it. */
import { main } from 'assemblyscript/asc';
import { copyFile, mkdir } from 'node:fs/promises';

/** Into `dist/src/assembly`, and into the bundles' folder. */
export async function assemble(name: string, bundles: string): Promise<void> {
  const output = `dist/src/assembly/${name}.wasm`;
  await mkdir('dist/src/assembly', { recursive: true });
  const words = [
    `src/assembly/${name}.ts`,
    ...['--outFile', output],
    // The arena's; and nothing is ever allocated.
    '--importMemory',
    ...['--runtime', 'stub'],
    ...['--enable', 'simd,bulk-memory'],
    ...['-O3', '--noAssert'],
  ];
  const { error } = await main(words, { stdout: process.stdout, stderr: process.stderr });
  if (error !== null) throw error;
  await mkdir(bundles, { recursive: true });
  await copyFile(output, `${bundles}/${name}.wasm`);
}
