/**
 * The tasks that are built in, so that the first campaign needs no task file: small enough for any model, and each
 * with the mistake that weak answers make.
 *
 * Laws (tested): a correct function scores 1; the typical wrong one (no subtractive forms; counting brackets instead of
 * nesting them; losing the last run) scores strictly between 0 and 1, so that the tasks tell agents apart.
 */
import type { Task } from "./Task.ts"

type Case = readonly [argument: string | number, expected: string | boolean]

const task = (id: string, functionName: string, prompt: string, first: Case, ...rest: ReadonlyArray<Case>): Task => {
  const hiddenTest = ([argument, expected]: Case) => ({ arguments: [argument], expected })
  return {
    id,
    prompt,
    grader: { _tag: "JavaScriptTests", functionName, tests: [hiddenTest(first), ...rest.map(hiddenTest)] }
  }
}

export const romanNumerals: Task = task(
  "roman-numerals",
  "toRoman",
  "Write a JavaScript function `toRoman(n)` that returns the Roman numeral of the whole number `n` as a string of capital letters. "
    + "`n` is between 1 and 3999. "
    + "Use the standard subtractive forms: 4 is IV, 9 is IX, 40 is XL, 90 is XC, 400 is CD and 900 is CM. "
    + "Answer with one JavaScript code block that contains the complete function.",
  [1, "I"],
  [3, "III"],
  [4, "IV"],
  [9, "IX"],
  [58, "LVIII"],
  [444, "CDXLIV"],
  [1666, "MDCLXVI"],
  [1994, "MCMXCIV"],
  [3888, "MMMDCCCLXXXVIII"],
  [3999, "MMMCMXCIX"]
)

export const balancedBrackets: Task = task(
  "balanced-brackets",
  "isBalanced",
  "Write a JavaScript function `isBalanced(text)` that returns `true` if every bracket in the string `text` is closed by a "
    + "bracket of the same kind in the right order, and `false` otherwise. "
    + "The brackets are `()`, `[]` and `{}`; all other characters are ignored, and a string without brackets is balanced. "
    + "Answer with one JavaScript code block that contains the complete function.",
  ["", true],
  ["()", true],
  ["{[()()]}", true],
  ["const f = (a) => { return [a[0], (a[1])] }", true],
  ["no brackets at all", true],
  ["(", false],
  [")(", false],
  ["([)]", false],
  ["((]]", false],
  ["{[()]", false]
)

export const runLength: Task = task(
  "run-length",
  "runLengthEncode",
  "Write a JavaScript function `runLengthEncode(text)` that replaces every run of equal characters in the string `text` by "
    + "the length of the run followed by the character, and returns the resulting string. "
    + "For example, \"aaabcc\" becomes \"3a1b2c\", and the empty string stays empty. "
    + "`text` contains only letters and spaces; upper and lower case are different characters. "
    + "Answer with one JavaScript code block that contains the complete function.",
  ["", ""],
  ["a", "1a"],
  ["aaabcc", "3a1b2c"],
  ["abc", "1a1b1c"],
  ["aabbaa", "2a2b2a"],
  ["aAaA", "1a1A1a1A"],
  ["   x  ", "3 1x2 "],
  ["zzzzzzzzzzzz", "12z"],
  ["wwwwwwwwwwwwbwwwwwwwwwwww", "12w1b12w"]
)

export const demonstrationTasks: readonly [Task, Task, Task] = [romanNumerals, balancedBrackets, runLength]
