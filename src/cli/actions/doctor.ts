/** What `lbcap doctor` does. */
import { parseLabels } from '../../labels/parse.js';
import { readRegistry } from '../../labels/registry.js';
import { diagnose, type Finding, type State } from '../../loopback/diagnosis.js';
import { loopbackInterface } from '../../loopback/interface.js';
import { colourAllowed, paint, type Tone } from '../../terminal/colour.js';
import type { RawDoctorOptions } from '../commands/doctor.js';
import { probe } from '../doctor-probe.js';
import { registryPlace } from '../options.js';

const tones: Readonly<Record<State, Tone>> = { ok: 'plain', note: 'warning', missing: 'alarm' };
const stateWidth = 'missing'.length;

/** @returns the exit status: 1 when something is missing */
export async function doctor(options: RawDoctorOptions): Promise<number> {
  const labels = parseLabels(options.label ?? [], readRegistry(registryPlace(options)));
  const facts = await probe(labels, options.interface ?? loopbackInterface());
  const findings = diagnose(facts, labels);
  const lines =
    options.json === true
      ? findings.map((finding) => JSON.stringify(finding))
      : linesOf(findings, colourAllowed(process.env, process.stdout.isTTY));
  process.stdout.write(`${lines.join('\n')}\n`);
  return findings.some(({ state }) => state === 'missing') ? 1 : 0;
}

/** State, check and text in columns; a command stands alone on its line, to be copied. */
function linesOf(findings: readonly Finding[], colour: boolean): string[] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(stateWidth + 2);
  return findings.flatMap(({ check, state, text, command }) => [
    `${paint(state.padEnd(stateWidth), tones[state], colour)}  ${check.padEnd(width)}  ${text}`,
    ...(command === null ? [] : [`${indent}${command}`]),
  ]);
}
