/**
 * A file of settings as plain JSON, with the place of every key and value in it, whatever language it is written in.
 *
 * Laws: `placeOf` always answers. The place of a member is that of its key, the place of an element that of its value;
 * of what is not there it is the place of the nearest table around it, which is where a missing key is missing. A value of a
 * program has no places. No
 * value is silently another one than was written: numbers that JSON cannot tell exactly are refused by the adapters
 * (TomlDocument.ts, Json5Document.ts).
 *
 * Gotcha: a key may be `__proto__`; `define` keeps it an ordinary one.
 */

/** Both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Keys of tables, and numbers of elements from 0. */
export type ConfigPath = ReadonlyArray<string | number>

export interface ConfigDocument {
  /** As the user named it. */
  readonly file: string
  readonly value: unknown
  /** `null` where there are no lines. */
  readonly placeOf: (path: ConfigPath) => Place | null
}

/** A table under construction. */
export type Table = Record<string, unknown>

const START: Place = { line: 1, column: 1 }

/** Where things are, under construction. */
export class Places {
  readonly #known = new Map<string, Place>()

  /** The first place that was told is kept, unless a later one is `exact`. */
  add(path: ConfigPath, place: Place, exact = false): void {
    const key = JSON.stringify(path)
    if (exact || !this.#known.has(key)) this.#known.set(key, place)
  }

  readonly placeOf = (path: ConfigPath): Place => {
    for (let length = path.length; length > 0; length--) {
      const place = this.#known.get(JSON.stringify(path.slice(0, length)))
      if (place !== undefined) return place
    }
    return START
  }
}

/** Sets a member, whatever it is called. */
export const define = (table: Table, key: string, value: unknown): void =>
  void Object.defineProperty(table, key, { value, enumerable: true, writable: true, configurable: true })

/** What stands at a path; undefined if nothing does. */
export const valueAt = (value: unknown, path: ConfigPath): unknown =>
  path.reduce<unknown>(
    (found, key) =>
      typeof found === "object" && found !== null && Object.hasOwn(found, key) ? (found as Table)[key] : undefined,
    value
  )

/** A path as people read it: `agent[2].max-tokens`, where elements are counted from 1. */
export const pathText = (path: ConfigPath): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === "number" ? `${text}[${key + 1}]` : text === "" ? nameText(key) : `${text}.${nameText(key)}`,
    ""
  )

const nameText = (key: string): string => /^[\w-]+$/.test(key) ? key : JSON.stringify(key)

/** Whether a value is a table. */
export const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value)
