/** Brings Kafka and its clients from the package registries, as each one's own program is set up here. */
import { execFile, type ExecFileException } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A registry that does not answer: a reason to skip, where a wrong version or checksum is a failure. */
export class Unreachable extends Error {}

const sources = resolve('test/scenarios/kafka');
const minutes = 3;

/** In the words of Maven, npm, pip, Go and their gateways. A missing version or a wrong checksum is not among them. */
const noAnswer = new RegExp(
  [
    'connection refused|ECONNREFUSED|NewConnectionError|network is unreachable|no route to host',
    'unknown host|no such host|name resolution|name or service not known|ENOTFOUND|EAI_AGAIN',
    '(?:connect|connection|read) timed out|i/o timeout|ETIMEDOUT|offline mode',
    'status(?: code)?: 50[234]|50[234] (?:bad gateway|service unavailable|gateway time-?out)',
  ].join('|'),
  'i',
);

/** The jars of Apache Kafka 4, as a class path. */
export async function kafkaClassPath(folder: string): Promise<string> {
  const jars = join(folder, 'jars');
  await download('Maven Central', 'mvn', [
    ...['-B', '-q', '-ntp', '-f', join(sources, 'pom.xml')],
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
    ...['-DincludeScope=runtime', `-DoutputDirectory=${jars}`],
  ]);
  return join(jars, '*');
}

/** The path of kafkajs, for `require`. */
export async function kafkaJs(folder: string): Promise<string> {
  const prefix = join(folder, 'npm');
  await mkdir(prefix);
  await download('the npm registry', 'npm', [
    ...['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'],
    ...['--prefix', prefix, 'kafkajs@2.2.4'],
  ]);
  return join(prefix, 'node_modules', 'kafkajs');
}

/** A folder with kafka-python, for PYTHONPATH. */
export async function kafkaPython(folder: string): Promise<string> {
  const target = join(folder, 'python');
  await download('PyPI', 'python3', [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'],
    ...['--target', target, 'kafka-python==3.0.12'],
  ]);
  return target;
}

/** A program of kafka-go; modules and what was compiled stay in Go's caches for the next time. */
export async function goClient(folder: string): Promise<string> {
  const program = join(folder, 'go-client');
  await download('the Go module proxy', 'go', ['build', '-o', program, '.']);
  return program;
}

/**
 * Runs it among the sources.
 * @throws Unreachable when it says that the registry does not answer, or does not end in time
 */
async function download(registry: string, command: string, words: string[]): Promise<void> {
  try {
    await run(command, words, { cwd: sources, timeout: minutes * 60_000 });
  } catch (error) {
    const { stdout = '', stderr = '', killed } = error as Partial<ExecFileException & Output>;
    const [answer] = noAnswer.exec(`${stdout}\n${stderr}`) ?? [];
    if (answer !== undefined) throw new Unreachable(`${registry} is not reachable: ${answer}`);
    if (killed === true) throw new Unreachable(`${registry}: ${command} took over ${minutes} min`);
    throw error;
  }
}

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}
