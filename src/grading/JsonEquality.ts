/**
 * When two JSON values are the same: numbers exactly (but -0 is 0, as JSON cannot tell them apart), texts by their
 * UTF-16 units, arrays in order, objects by their own keys in any order.
 *
 * Laws: reflexive, symmetric, and it agrees with comparing canonical JSON texts.
 * Gotcha: only for values that are JSON (`isJson`); the depth it descends to is that of the shallower value, so a result
 * nested a million deep cannot overflow the stack unless the expected value is as deep.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const isJsonTree: (value: unknown) => boolean = Schema.is(Schema.Json)

/**
 * Whether the value can be written as JSON without losing anything: no NaN, undefined, functions, dates, bigints, and
 * no cycles (which only `JSON.stringify` notices).
 */
export const isJson = (value: unknown): value is Schema.Json =>
  Result.isSuccess(Result.try(() => JSON.stringify(value))) && isJsonTree(value)

const sameKeys = (left: object, right: object): boolean => {
  const keys = Object.keys(left)
  return keys.length === Object.keys(right).length
    && keys.every((key) => Object.hasOwn(right, key) && sameJson(Reflect.get(left, key), Reflect.get(right, key)))
}

export const sameJson = (left: unknown, right: unknown): boolean => {
  if (left === right) return true
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) {
    return Array.isArray(left) && Array.isArray(right) && left.length === right.length
      && left.every((item, index) => sameJson(item, right[index]))
  }
  return sameKeys(left, right)
}
