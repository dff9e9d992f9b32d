/**
 * The lines of a display that battles have, so that it is calm: a battle takes the lowest free slot and stays there until
 * it ends.
 */

/** A line of the display: the battle that has it, or since when it is free. */
export interface Slot {
  readonly key: string | undefined
  readonly sinceMillis: number
}

export type Slots = ReadonlyArray<Slot>

/** The slots with one for `key`: the one it has, or the lowest free one. */
export const taken = (slots: Slots, key: string, sinceMillis: number): Slots => {
  if (slots.some((slot) => slot.key === key)) return slots
  const free = slots.findIndex((slot) => slot.key === undefined)
  return free < 0 ? [...slots, { key, sinceMillis }] : slots.with(free, { key, sinceMillis })
}

/** The slots without `key`. */
export const freed = (slots: Slots, key: string, sinceMillis: number): Slots =>
  slots.map((slot) => slot.key === key ? { key: undefined, sinceMillis } : slot)
