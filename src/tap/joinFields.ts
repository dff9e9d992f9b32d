/**
 * How pieces of one value become that value again: pure.
 *
 * The rules are those by which the openai SDKs join what they know nothing of (`accumulate_delta` in the Python SDK's
 * lib/streaming/_deltas.py): texts and lists are strung together, numbers added, objects joined field by field; entries of
 * lists that have an `index` belong to the entry of that index; `index` and `type` are named and not joined. `null` says
 * nothing.
 */

export type Fields = Record<string, unknown>

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The value so far and one more piece of it. */
export const join = (before: unknown, piece: unknown): unknown => {
  if (before === undefined || before === null) return piece
  if (piece === undefined || piece === null) return before
  if (typeof before === "string" && typeof piece === "string") return before + piece
  if (typeof before === "number" && typeof piece === "number") return before + piece
  if (Array.isArray(before) && Array.isArray(piece)) return joinLists(before, piece)
  return isFields(before) && isFields(piece) ? joinFields(before, piece) : piece
}

/** Field by field. */
const joinFields = (before: Fields, piece: Fields): Fields => {
  const joined: Fields = { ...before }
  for (const [key, value] of Object.entries(piece)) {
    joined[key] = key === "index" || key === "type" ? value : join(joined[key], value)
  }
  return joined
}

const joinLists = (before: ReadonlyArray<unknown>, piece: ReadonlyArray<unknown>): ReadonlyArray<unknown> => {
  const joined = [...before]
  for (const entry of piece) {
    const index = isFields(entry) ? entry["index"] : undefined
    const at = typeof index === "number"
      ? joined.findIndex((one) => isFields(one) && one["index"] === index)
      : -1
    if (at === -1) joined.push(entry)
    else joined[at] = join(joined[at], entry)
  }
  return joined
}

/** Lists of what belongs to single tokens, under the same names: strung together name by name. */
export const joinPerToken = (before: unknown, piece: unknown): unknown => {
  if (!isFields(before) || !isFields(piece)) return piece ?? before ?? null
  const joined: Fields = { ...before }
  for (const [key, value] of Object.entries(piece)) {
    const known = joined[key]
    joined[key] = Array.isArray(known) && Array.isArray(value) ? [...known, ...value] : value ?? known ?? null
  }
  return joined
}
