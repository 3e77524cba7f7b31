/** A load generator as people write them: `load.js PORT COUNT`, a connection for each request; says how it went as JSON. */
import { get } from 'node:http';

const [port, count] = process.argv.slice(2).map(Number);
const answers: Record<string, number> = {};
let left = count;

function note(what: string): void {
  answers[what] = (answers[what] ?? 0) + 1;
}

function request(): Promise<void> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, agent: false }, (response) => {
      note(String(response.statusCode));
      response.resume().once('close', resolve);
    }).once('error', (error: NodeJS.ErrnoException) => {
      note(error.code ?? error.message);
      resolve();
    });
  });
}

async function worker(): Promise<void> {
  while (left > 0) {
    left -= 1;
    await request();
  }
}

await Promise.all(Array.from({ length: 32 }, worker));
process.stdout.write(`${JSON.stringify(answers)}\n`);
