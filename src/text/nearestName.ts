/**
 * The name that somebody meant who wrote another: for the errors that refuse unknown words.
 *
 * Law: of several equally near names the first; a name that is known is its own nearest.
 */

/** Insertions, deletions and changes that make one word of the other (Levenshtein). */
const distance = (left: string, right: string): number => {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (const [index, character] of Array.from(left).entries()) {
    const next = [index + 1]
    for (let column = 1; column <= right.length; column++) {
      const changed = row[column - 1]! + (character === right[column - 1] ? 0 : 1)
      next.push(Math.min(changed, row[column]! + 1, next[column - 1]! + 1))
    }
    row = next
  }
  return row.at(-1)!
}

/** The known name that takes the fewest changes; `names` must not be empty. */
export const nearestName = (word: string, names: ReadonlyArray<string>): string =>
  names.toSorted((left, right) => distance(word, left) - distance(word, right))[0]!
