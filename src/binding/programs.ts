/** The BPF programs of `run`: pure functions of what connections are to be given. */
import { bindPrograms } from './bind-programs.js';
import { connect4, sendmsg4 } from './ipv4-programs.js';
import { connect6, sendmsg6 } from './ipv6-programs.js';
import type { Plan, Program } from './plan.js';

export function programsOf(plan: Plan): Program[] {
  return [
    { hook: 'connect4', lines: connect4(plan) },
    { hook: 'connect6', lines: connect6(plan) },
    { hook: 'sendmsg4', lines: sendmsg4(plan) },
    { hook: 'sendmsg6', lines: sendmsg6(plan) },
    ...(plan.server || plan.rebind ? bindPrograms(plan) : []),
  ];
}
