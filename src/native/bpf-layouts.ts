/** union bpf_attr and the numbers around it: <linux/bpf.h>, with the release that brought each. */

/** enum bpf_cmd. */
export const bpfCommand = {
  mapCreate: 0,
  mapLookup: 1,
  programLoad: 5,
  programNextId: 11,
  mapNextId: 12,
  linkCreate: 28, // 5.7
  linkNextId: 31, // 5.8
} as const;

/** BPF_MAP_TYPE_ARRAY. */
export const arrayMap = 2;
/** BPF_PROG_TYPE_CGROUP_SOCK_ADDR (4.17). */
export const socketAddressProgram = 18;
/** Bytes of a name, the final zero included (BPF_OBJ_NAME_LEN). */
export const nameLength = 16;

/** enum bpf_attach_type. */
export const attachType = {
  bind4: 8,
  bind6: 9,
  connect4: 10,
  connect6: 11,
  sendmsg4: 14, // 4.18
  sendmsg6: 15,
} as const;

export type Hook = keyof typeof attachType;

/** Bytes that all of the commands below fit in; the rest must be zero. */
export const attributeSize = 80;

export const mapCreateLayout = {
  type: 0,
  keySize: 4,
  valueSize: 8,
  maxEntries: 12,
  name: 28,
} as const;
export const mapLookupLayout = { map: 0, key: 8, value: 16 } as const;
export const programLoadLayout = {
  type: 0,
  instructionCount: 4,
  instructions: 8,
  license: 16,
  logLevel: 24,
  logSize: 28,
  logBuffer: 32,
  name: 48,
  expectedAttachType: 68,
} as const;
export const linkCreateLayout = { program: 0, target: 4, attachType: 8, flags: 12 } as const;
/** For …GetNextId: the id to start behind, and the next one. */
export const nextIdLayout = { start: 0, next: 4 } as const;

/** Bytes of one instruction. */
export const instructionSize = 8;
