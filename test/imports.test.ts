/** Keeps the directions of ARCHITECTURE.md: reads what every file of src/ imports and asks of the process. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

/**
 * Rooms from the bottom up. A file may import from its own room and from those on lines above;
 * rooms on one line never meet. A name with `.ts` is a single file, which is a room by itself.
 */
const floors: readonly (readonly string[])[] = [
  ['errors.ts', 'sequence.ts', 'version.ts', 'loopback/platform.ts'],
  ['packet'],
  ['formats', 'labels'],
  ['filters', 'native', 'runs.ts', 'label-counters.ts'],
  ['loopback', 'plain-walk.ts', 'privileges.ts'],
  ['classify.ts'],
  ['sources', 'sinks'],
  ['pipeline.ts'],
  ['handover', 'terminal', 'binding'],
  ['index.ts', 'cli'],
];

/** Path below src/, with slashes, to the file's text. */
type Files = ReadonlyMap<string, string>;

/** What one file imports and asks for. */
interface Findings {
  readonly imports: readonly string[];
  /** `process.exit`, `process.platform`: members of `process` that are read, written or called. */
  readonly processMembers: ReadonlySet<string>;
  readonly reExports: boolean;
}

function read(path: string, text: string): Findings {
  const imports: string[] = [];
  const processMembers = new Set<string>();
  let reExports = false;
  const add = (node: ts.Node | undefined): void => {
    if (node !== undefined && ts.isStringLiteralLike(node)) imports.push(node.text);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier);
      if (ts.isStringLiteral(node.moduleSpecifier) && isProcess(node.moduleSpecifier.text)) {
        const names = node.importClause?.namedBindings;
        if (names !== undefined && ts.isNamedImports(names))
          for (const { name, propertyName } of names.elements)
            processMembers.add((propertyName ?? name).text);
      }
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node.moduleSpecifier);
      reExports = true;
    } else if (ts.isExternalModuleReference(node)) {
      add(node.expression);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal);
    } else if (ts.isCallExpression(node)) {
      const { expression } = node;
      const loads =
        expression.kind === ts.SyntaxKind.ImportKeyword ||
        (ts.isIdentifier(expression) && /^require/.test(expression.text));
      if (loads) add(node.arguments[0]);
    } else if (ts.isPropertyAccessExpression(node)) {
      const owner = node.expression.getText();
      if (owner === 'process' || owner === 'globalThis.process') processMembers.add(node.name.text);
      if (/^(os|node:os)$/.test(owner) && node.name.text === 'platform')
        processMembers.add('platform');
    } else if (ts.isVariableDeclaration(node) && node.initializer?.getText() === 'process') {
      if (ts.isObjectBindingPattern(node.name))
        for (const { name, propertyName } of node.name.elements)
          processMembers.add((propertyName ?? name).getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return { imports, processMembers, reExports };
}

function isProcess(specifier: string): boolean {
  return specifier === 'process' || specifier === 'node:process';
}

/** The index of the file's floor and the name of its room there. */
function place(path: string): { floor: number; room: string } | null {
  for (const room of [path, path.split('/')[0] ?? path]) {
    const floor = floors.findIndex((rooms) => rooms.includes(room));
    if (floor >= 0) return { floor, room };
  }
  return null;
}

/** Every breach of the house's rules, one sentence each. */
function breaches(files: Files): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    const here = place(path);
    if (here === null) {
      found.push(`${path} is in no room that ARCHITECTURE.md names`);
      continue;
    }
    const { imports, processMembers, reExports } = read(path, text);
    for (const specifier of imports) {
      if (!specifier.startsWith('.')) {
        if (specifier === 'koffi' && here.room !== 'native')
          found.push(`${path} imports koffi, which only native may`);
        continue;
      }
      const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
      const there = place(target);
      if (!files.has(target) || there === null) {
        found.push(`${path} imports ${specifier}, which is no file of src`);
      } else if (there.room !== here.room && there.floor >= here.floor) {
        found.push(`${path} imports ${target}: ${here.room} may not know ${there.room}`);
      }
    }
    if (reExports && path !== 'index.ts') found.push(`${path} re-exports: only index.ts may`);
    if (processMembers.has('platform') && path !== 'loopback/platform.ts')
      found.push(`${path} asks for process.platform: only loopback/platform.ts may`);
    for (const member of ['exit', 'exitCode', 'abort', 'reallyExit'])
      if (processMembers.has(member) && here.room !== 'cli')
        found.push(`${path} uses process.${member}: only cli may`);
  }
  return found;
}

function filesOfSrc(): Files {
  const files = new Map<string, string>();
  for (const entry of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    const path = entry.replaceAll('\\', '/');
    if (path.endsWith('.ts')) files.set(path, readFileSync(`src/${path}`, 'utf8'));
  }
  return files;
}

test('src keeps to the directions of the house', () => {
  const files = filesOfSrc();
  assert.ok(files.size > 5, 'run from the root of the project');
  assert.deepEqual(breaches(files), []);
});

test('a planted breach of each rule is found', () => {
  const plant = (path: string, text: string): string[] => {
    const files = new Map([
      ['errors.ts', ''],
      ['labels/label.ts', ''],
      ['native/libpcap.ts', "import koffi from 'koffi';"],
      ['sinks/snapshot.ts', ''],
      ['sources/source.ts', "import '../errors.js';"],
      ['cli/main.ts', 'process.exitCode = 1;'],
      ['index.ts', "export { a } from './errors.js';"],
      ['loopback/platform.ts', 'process.platform;'],
    ]);
    assert.deepEqual(breaches(files), [], 'the house before the breach');
    files.set(path, text);
    return breaches(files);
  };
  const cases: readonly (readonly [path: string, text: string, breach: RegExp])[] = [
    ['formats/pcap.ts', "import type { Label } from '../labels/label.js';", /may not know labels/],
    ['sinks/a.ts', "import type { Source } from '../sources/source.js';", /may not know sources/],
    ['sources/a.ts', "const a: import('../sinks/snapshot.js').A = 1;", /may not know sinks/],
    ['packet/a.ts', "const a = await import('../sinks/snapshot.js');", /may not know sinks/],
    ['errors.ts', "import './labels/label.js';", /errors\.ts may not know labels/],
    ['sources/live.ts', "import koffi from 'koffi';", /koffi/],
    ['sources/live.ts', "const koffi = require('koffi');", /koffi/],
    ['terminal/a.ts', 'process.exit(1);', /process\.exit: only cli/],
    ['pipeline.ts', 'process.exitCode = 1;', /process\.exitCode/],
    ['pipeline.ts', "import { exit as leave } from 'node:process';", /process\.exit/],
    ['native/a.ts', "if (process.platform === 'linux') f();", /process\.platform/],
    ['native/a.ts', 'const { platform } = process;', /process\.platform/],
    ['native/a.ts', "import os from 'node:os'; os.platform();", /process\.platform/],
    ['labels/index.ts', "export * from './label.js';", /re-exports/],
    ['utils/a.ts', '', /no room/],
    ['labels/a.ts', "import './gone.js';", /no file of src/],
  ];
  for (const [path, text, breach] of cases) {
    const found = plant(path, text);
    assert.equal(found.length, 1, `${path}: ${text}\n${found.join('\n')}`);
    assert.match(found[0] ?? '', breach);
  }
});
