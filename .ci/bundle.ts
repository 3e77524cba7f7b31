/** Bundles the command line into CommonJS files: `dist/cli/lbcap.cjs`, and others behind it. */
import { build, type Plugin } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { chmod, readdir, rm } from 'node:fs/promises';
import { assemble } from './assemble.js';

// Why: the start of `lbcap filter` is mostly Node loading modules. As the ES modules that tsc emits it
// takes twice the time of `node -e 0`, of which Node's ES loader is the larger half; as one CommonJS
// file 1.6 times, half of it spent on commander and on compiling what only other commands run. So
// `filter` has a file to itself. What both files need is in both: nothing but the process passes
// between them.

const outdir = 'dist/cli';

/** `run` has a bundle of its own, which the others load when it is asked for. */
const runApart: Plugin = {
  name: 'run-apart',
  setup(build) {
    build.onResolve({ filter: /^\.\.\/run-direct\.js$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './run-direct.cjs', external: true } : undefined,
    );
  },
};

/** Only needed where Node itself has no zstd, and half a megabyte: a file of its own as well. */
const zstdApart: Plugin = {
  name: 'zstd-apart',
  setup(build) {
    build.onResolve({ filter: /^@hpcc-js\/wasm-zstd$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './wasm-zstd.cjs', external: true } : undefined,
    );
  },
};

/**
 * Modules of Node that take milliseconds to load, and that most runs never need: each is loaded when something
 * of it is first asked for. commander requires child_process for git-style subcommands in files of their
 * own, which lbcap has none of.
 */
const deferred = ['child_process', 'fs/promises', 'net', 'stream', 'timers/promises', 'zlib'];
const deferBuiltins: Plugin = {
  name: 'defer-builtins',
  setup(build) {
    const filter = new RegExp(`^(node:)?(${deferred.join('|')})$`);
    build.onResolve({ filter }, ({ path, namespace }) => {
      const name = path.replace(/^node:/, '');
      return namespace === 'deferred'
        ? { path: `node:${name}`, external: true }
        : { path: name, namespace: 'deferred' };
    });
    build.onLoad({ filter: /.*/, namespace: 'deferred' }, async ({ path }) => {
      const names = Object.keys((await import(`node:${path}`)) as object);
      return {
        contents: `for (const name of ${JSON.stringify(names)}) {
          const get = () => require('node:${path}')[name];
          Object.defineProperty(exports, name, { get, enumerable: true });
        }`,
      };
    });
  },
};

// Node reads a file's source map only when maps are on as the file is compiled, and reading it takes
// longer than the whole start: so only under LBCAP_DEBUG, by compiling the file a second time.
const banner = `
if (process.env.LBCAP_DEBUG && !globalThis.lbcapSourceMaps) {
  globalThis.lbcapSourceMaps = true;
  process.setSourceMapsEnabled(true);
  delete require.cache[__filename];
  return void (module.exports = require(__filename));
}
const lbcapModuleUrl = require('node:url').pathToFileURL(__filename).href;`;

for (const name of ['plain-walk', 'enhanced-row']) await assemble(name, outdir);
await build({
  entryPoints: {
    lbcap: 'src/cli/main.ts',
    program: 'src/cli/program.ts',
    'split-program': 'src/cli/split-program.ts',
    'run-direct': 'src/cli/run-direct.ts',
    // A worker is a file of its own.
    supervisor: 'src/binding/supervisor.ts',
    'wasm-zstd': '@hpcc-js/wasm-zstd',
  },
  outdir,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // Packages with a binary of their own, which they look for beside themselves.
  external: ['koffi', 'cap'],
  plugins: [runApart, zstdApart, deferBuiltins],
  // import() of an external package would start Node's ES loader: require does as well.
  supported: { 'dynamic-import': false },
  // Where a module asks for its own address, as for createRequire.
  define: { 'import.meta.url': 'lbcapModuleUrl' },
  banner: { js: banner },
  minifyWhitespace: true,
  minifySyntax: true,
  minifyIdentifiers: true,
  legalComments: 'eof',
  sourcemap: 'linked',
  logLevel: 'warning',
});
await chmod(`${outdir}/lbcap.cjs`, 0o755);

// V8 tells sources apart by their length alone: none may be left of a build before.
for (const file of await readdir(outdir)) {
  if (file.endsWith('.cache')) await rm(`${outdir}/${file}`);
}
for (const name of ['program', 'split-program', 'run-direct']) {
  const words = ['dist/.ci/code-cache.js', `${process.cwd()}/${outdir}/${name}.cjs`];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  // Whatever it was, lbcap is whole without.
  if (status !== 0) process.stderr.write(`no code cache for ${name}: ${stderr}`);
}
