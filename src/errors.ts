/** The one error class of lbcap and its closed set of codes. */

/**
 * Every way in which lbcap fails on purpose. A code is stable: programs may switch on it.
 * The command line turns it into an exit status (`exitStatusOf`).
 */
export type ErrorCode =
  // The command line, a label or a filter is wrong: nothing was touched.
  | 'USAGE'
  | 'LABEL_SYNTAX'
  | 'LABEL_ADDRESS'
  | 'LABEL_DUPLICATE'
  | 'LABEL_OVERLAP'
  | 'LABEL_UNKNOWN'
  | 'LABEL_NONE'
  | 'REGISTRY_INVALID'
  | 'FILTER_INVALID'
  // Something failed while working.
  | 'REGISTRY_IO'
  | 'ADDRESSES_EXHAUSTED'
  | 'LIBPCAP_MISSING'
  | 'CAPTURE_PERMISSION'
  | 'INTERFACE_UNKNOWN'
  | 'CAPTURE_FAILED'
  | 'ENGINE_MISSING'
  | 'ENGINE_LIMIT'
  | 'PLATFORM_UNSUPPORTED'
  | 'LINK_TYPE_UNSUPPORTED'
  | 'INPUT_IO'
  | 'INPUT_FORMAT'
  | 'INPUT_DAMAGED'
  | 'OUTPUT_EXISTS'
  | 'OUTPUT_IO'
  | 'OUTPUT_CLOSED'
  | 'RUN_PERMISSION'
  | 'RUN_FAILED'
  | 'ALIAS_PERMISSION'
  | 'ALIAS_FAILED'
  | 'COMMAND_UNKNOWN'
  | 'COMMAND_REFUSED'
  | 'INVARIANT';

const wrongWords: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'USAGE',
  'LABEL_SYNTAX',
  'LABEL_ADDRESS',
  'LABEL_DUPLICATE',
  'LABEL_OVERLAP',
  'LABEL_UNKNOWN',
  'LABEL_NONE',
  'REGISTRY_INVALID',
  'FILTER_INVALID',
]);

/** Facts that belong to one error, such as the byte offset at which a file is damaged. */
export type ErrorDetails = Readonly<Record<string, string | number | readonly string[]>>;

/**
 * A failure that lbcap foresaw. `message` is one line, `<what is wrong>: <what to do about it>`,
 * without the program's name in front.
 */
export class LbcapError extends Error {
  override readonly name = 'LbcapError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  /** The two parts of the message. */
  readonly problem: string;
  readonly remedy: string | null;

  /**
   * @param code stable, for programs
   * @param problem what is wrong, lower case, no full stop
   * @param remedy what to do about it; left out only where nobody can do anything
   */
  constructor(
    code: ErrorCode,
    problem: string,
    remedy?: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(remedy === undefined ? problem : `${problem}: ${remedy}`, { cause: options.cause });
    this.code = code;
    this.problem = problem;
    this.remedy = remedy ?? null;
    this.details = options.details ?? {};
  }
}

/** 2 when the words were wrong and nothing was touched, else 1. */
export function exitStatusOf(error: LbcapError): 1 | 2 {
  return wrongWords.has(error.code) ? 2 : 1;
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, ' ');
}

/** True for an error of the operating system with one of these codes, such as `ENOENT`. */
export function isSystemError(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && (codes.length === 0 || codes.includes(code));
}
