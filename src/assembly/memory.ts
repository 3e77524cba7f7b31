/** AssemblyScript: how walks look at captured bytes. Of each module that is compiled, a copy. */

let little: bool = true;

/** Of the fields that are read and written from now on. */
export function setByteOrder(isLittle: bool): void {
  little = isLittle;
}

/** For whoever has a loop for each: asking once is cheaper than asking with every field. */
@inline
export function isLittle(): bool {
  return little;
}

@inline
export function inOrder(value: i32): i32 {
  return little ? value : bswap<i32>(value);
}

/** A field of a record header, or of a block. */
@inline
export function word(at: i32): i32 {
  return inOrder(load<i32>(at));
}

@inline
export function wordOf(at: i32, isLittle: bool): i32 {
  const value = load<i32>(at);
  return isLittle ? value : bswap<i32>(value);
}

/** Bytes from a record to what is asked for meanwhile; an arena has as many behind its last region. */
const touchAhead: i32 = 4096;
const cacheLine: i32 = 64;

/**
 * Asks for what comes later, so that it is there in time: bytes that another processor has read lie in its cache,
 * and no processor fetches across a page by itself. Without `keep` of the answers nothing would be asked.
 */
@inline
export function touch(at: i32): i32 {
  return load<i32>(at + touchAhead) | load<i32>(at + touchAhead + cacheLine);
}

let kept: i32 = 0;

/** Nobody looks at it. */
export function keep(touched: i32): void {
  kept = touched;
}
