/**
 * Where a thread keeps its intermediate values. The memory is shared and every thread has its own instance of the
 * module, whose globals are its own: so each thread is told an address of its own once, and works there.
 * The trap: static data would be the same bytes for all threads.
 */

/** Bytes that a thread needs; the parts below lie in it. */
export const ROOM_BYTES: usize = 0x80000;

let room: usize = 0;

/** @param address of ROOM_BYTES bytes, a multiple of 16, that no other thread uses */
export function setRoom(address: usize): void {
  room = address;
}

/** Bytes to give to `setRoom`. */
export function roomBytes(): usize {
  return ROOM_BYTES;
}

/** The first byte behind the module's constants. */
export function firstFreeByte(): usize {
  return __heap_base;
}

export function roomAt(offset: usize): usize {
  return room + offset;
}
