/** Brings Kafka and its clients from the package registries, as each one's own program is set up here. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A registry that does not answer: a reason to skip, where a wrong version or checksum is a failure. */
export class Unreachable extends Error {}

const sources = resolve('test/scenarios/kafka');
const noAnswer =
  /Could not transfer|Unknown host|offline mode|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|NewConnectionError|name resolution|no such host|connection refused|connection timed out|i\/o timeout|network is unreachable/i;

/** The jars of Apache Kafka 4, as a class path. */
export async function kafkaClassPath(folder: string): Promise<string> {
  const jars = join(folder, 'jars');
  await download('Maven Central', 'mvn', [
    ...['-B', '-q', '-ntp', '-f', join(sources, 'pom.xml'), 'dependency:copy-dependencies'],
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
 * Runs it among the sources, for three minutes at most.
 * @throws Unreachable when it says that the registry does not answer
 */
async function download(registry: string, command: string, words: string[]): Promise<void> {
  try {
    await run(command, words, { cwd: sources, timeout: 180_000 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const line = `${stdout}\n${stderr}`.split('\n').find((text) => noAnswer.test(text));
    if (line === undefined) throw error;
    throw new Unreachable(`${registry} is not reachable: ${line.trim().slice(0, 200)}`);
  }
}
