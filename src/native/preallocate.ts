/** Blocks for a file's next bytes, before these are written. */
import type { KoffiFunc } from 'koffi';
import { openKernel } from './kernel.js';

// <linux/falloc.h>
const FALLOC_FL_KEEP_SIZE = 0x01;

type Fallocate = KoffiFunc<(fd: number, mode: number, offset: number, length: number) => number>;

/**
 * Gives a file blocks for the bytes from `offset` on, `length` of them; its size stays as it is: fallocate(2)
 * with FALLOC_FL_KEEP_SIZE. Truncating the file to its size gives them back.
 * @returns false when it has them not, whatever the reason
 */
export type Preallocate = (fd: number, offset: number, length: number) => boolean;

/** `null` where there is no such call (it is Linux's), or none that koffi reaches. */
export async function loadPreallocate(): Promise<Preallocate | null> {
  try {
    const kernel = await openKernel();
    const fallocate = kernel.libc<Fallocate>(
      'int fallocate(int fd, int mode, int64_t offset, int64_t length)',
    );
    return (fd, offset, length) => fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length) === 0;
  } catch {
    return null;
  }
}
