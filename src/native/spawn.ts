/** Starts programs by posix_spawn(3), which takes a tenth of the time of Node's fork of itself. */
import { constants } from 'node:fs';
import type { KoffiFunc } from 'koffi';
import { SystemCallError } from './errno.js';
import { Structure, type Kernel } from './kernel.js';

// <spawn.h> of glibc and musl alike
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
/** posix_spawnattr_t is 336 bytes in both, posix_spawn_file_actions_t is 80. */
const opaqueSize = 512;
/** sigset_t: 1024 bits in both. */
const signalSetSize = 128;

// <fcntl.h>
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const O_CLOEXEC = 0x8_0000;

export interface Program {
  /** A path: nothing is searched for. */
  readonly file: string;
  /** From argv[0] on. */
  readonly words: readonly string[];
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** The program's descriptor N is this process's descriptor number N here. */
  readonly descriptors: readonly number[];
  /** In a session of its own: no terminal, and none of its signals. */
  readonly ownSession: boolean;
}

type Attribute = KoffiFunc<(attribute: Uint8Array) => number>;
type SetFlags = KoffiFunc<(attribute: Uint8Array, flags: number) => number>;
type SetSignals = KoffiFunc<(attribute: Uint8Array, signals: Uint8Array) => number>;
type Duplicate = KoffiFunc<(actions: Uint8Array, from: number, to: number) => number>;
type PosixSpawn = KoffiFunc<
  (
    pid: Uint8Array,
    path: string,
    actions: Uint8Array | null,
    attribute: Uint8Array,
    words: Uint8Array,
    environment: Uint8Array,
  ) => number
>;

/**
 * The child has the calling thread's credentials, cgroup and seccomp filters, each signal as it is
 * by default and none blocked, and no descriptor but those it was given.
 *
 * @returns its process id; whoever calls waits for it (./wait.ts)
 * @throws SystemCallError what execve(2) said, if it was that: nothing is left then
 */
export function spawnProgram(kernel: Kernel, program: Program): number {
  const spawn = kernel.libc<PosixSpawn>(
    'int posix_spawn(void *pid, const char *path, void *actions, void *attribute, void *words, void *environment)',
  );
  const attribute = Buffer.alloc(opaqueSize);
  kernel.libc<Attribute>('int posix_spawnattr_init(void *attribute)')(attribute);
  kernel.libc<SetSignals>('int posix_spawnattr_setsigdefault(void *attribute, void *signals)')(
    attribute,
    Buffer.alloc(signalSetSize, 0xff),
  );
  kernel.libc<SetFlags>('int posix_spawnattr_setflags(void *attribute, short flags)')(
    attribute,
    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (program.ownSession ? POSIX_SPAWN_SETSID : 0),
  );
  const actions = fileActions(kernel, program.descriptors);
  const words = pointers(kernel, program.words);
  const environment = pointers(kernel, environmentTexts(program.environment));
  const pid = Buffer.alloc(4);
  const errno = spawn(pid, program.file, actions, attribute, words.bytes, environment.bytes);
  if (actions !== null) {
    kernel.libc<Attribute>('int posix_spawn_file_actions_destroy(void *actions)')(actions);
  }
  if (errno !== 0) throw new SystemCallError('posix_spawn', errno);
  return pid.readInt32LE();
}

/** @returns `null` where descriptors stay what they are */
function fileActions(kernel: Kernel, descriptors: readonly number[]): Buffer | null {
  for (const [to, from] of descriptors.entries()) if (from === to) handDown(kernel, to);
  const moved = [...descriptors.entries()].filter(([to, from]) => from !== to);
  if (moved.length === 0) return null;
  const actions = Buffer.alloc(opaqueSize);
  kernel.libc<Attribute>('int posix_spawn_file_actions_init(void *actions)')(actions);
  const duplicate = kernel.libc<Duplicate>(
    'int posix_spawn_file_actions_adddup2(void *actions, int from, int to)',
  );
  for (const [to, from] of moved) duplicate(actions, from, to);
  return actions;
}

/** A descriptor as the child expects it, open and blocking, whatever Node has made of it meanwhile. */
function handDown(kernel: Kernel, descriptor: number): void {
  // Node closes on exec all it has. A dup2 onto itself would undo that, but since glibc 2.29 only.
  kernel.call('fcntl', descriptor, F_SETFD, 0);
  const flags = kernel.call('fcntl', descriptor, F_GETFL);
  if ((flags & constants.O_NONBLOCK) !== 0) {
    kernel.call('fcntl', descriptor, F_SETFL, flags & ~constants.O_NONBLOCK);
  }
}

function environmentTexts(environment: Readonly<NodeJS.ProcessEnv>): string[] {
  return Object.entries(environment)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
}

/** char *const[], its end a null pointer. */
function pointers(kernel: Kernel, texts: readonly string[]): Structure {
  const list = new Structure(kernel, 8 * (texts.length + 1));
  for (const [index, text] of texts.entries()) list.setPointer(8 * index, Buffer.from(`${text}\0`));
  return list;
}

/** Both ends are closed on exec: pipe(2). @throws SystemCallError */
export function openPipe(kernel: Kernel): { readonly read: number; readonly write: number } {
  const ends = Buffer.alloc(8);
  kernel.call('pipe2', ends, O_CLOEXEC);
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}
