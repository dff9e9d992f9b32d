/**
 * Texts with places for variables: `${NAME}`, and `${NAME:-default}` for a variable that is not set or empty, as a shell
 * reads them. `$${` stands for a `${` that is meant as such.
 *
 * Laws: a text without `${` stays what it is; what a variable holds is taken as it is and not looked through again; a
 * default may hold variables, and is looked at only where it is needed.
 *
 * Gotchas: a name is whatever stands before `}` or `:-`, so that a misspelt one is missing instead of silently kept.
 * `${NAME` that nothing closes is plain text, and a default that nothing closes ends with the text.
 */
import * as Result from "effect/Result"

type Lookup = (name: string) => string | undefined

/** A text up to its end, or up to the `}` of the default that it is; `end` is behind it. */
interface Filled {
  readonly text: Result.Result<string, string>
  readonly end: number
}

const nameAndSign = /\$\{([^}]*?)(\}|:-)/y

/** The text with its variables filled in, or the name of the first one that is missing. */
export const substitute = (text: string, lookup: Lookup): Result.Result<string, string> =>
  fill(text, 0, false, lookup).text

const fill = (source: string, from: number, isDefault: boolean, lookup: Lookup): Filled => {
  let text: Result.Result<string, string> = Result.succeed("")
  const add = (more: Result.Result<string, string>) => {
    text = Result.flatMap(text, (before) => Result.map(more, (after) => before + after))
  }
  const closing = isDefault ? "}" : undefined
  let at = from
  while (at < source.length && source[at] !== closing) {
    nameAndSign.lastIndex = at
    const [place, name, sign] = nameAndSign.exec(source) ?? []
    if (source.startsWith("$${", at)) {
      add(Result.succeed("${"))
      at += 3
    } else if (place === undefined || name === undefined) {
      add(Result.succeed(source[at]!))
      at += 1
    } else {
      const value = lookup(name)
      const fallback = sign === ":-" ? fill(source, at + place.length, true, lookup) : undefined
      at = fallback === undefined ? at + place.length : fallback.end
      if (fallback !== undefined && (value === undefined || value === "")) add(fallback.text)
      else add(value === undefined ? Result.fail(name) : Result.succeed(value))
    }
  }
  return { text, end: isDefault ? at + 1 : at }
}
