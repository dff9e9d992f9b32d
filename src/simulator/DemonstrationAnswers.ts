/**
 * What the simulated model says when nothing else is configured: three small programming tasks, each with right
 * answers and subtly wrong ones, so that a first campaign with hidden tests has something to tell apart.
 *
 * Every answer is written as a language model would write it: a sentence or two, one fenced block of JavaScript with
 * one function declaration, a closing sentence; 80 to 180 tokens in all. Right ones stand before wrong ones; the tests
 * in test/simulator run the code of each and hold it to that.
 */

const answer = (before: string, code: string, after: string) =>
  `${before}\n\n\`\`\`javascript\n${code.trim()}\n\`\`\`\n\n${after}`

const romanGreedy = answer(
  "Treat the subtractive pairs as symbols of their own and take each symbol as often as it fits, from the largest down.",
  `
function toRoman(n) {
  const values = [1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1]
  const symbols = "M CM D CD C XC L XL X IX V IV I".split(" ")
  let result = ""
  values.forEach((value, index) => {
    while (n >= value) {
      result += symbols[index]
      n -= value
    }
  })
  return result
}`,
  "It works for every number from 1 to 3999."
)

const romanRecursive = answer(
  "Find the largest symbol that fits, write it, and let the function spell the rest. The keys stay in the order in which they are written.",
  `
function toRoman(n) {
  const table = { M: 1000, CM: 900, D: 500, CD: 400, C: 100, XC: 90,
    L: 50, XL: 40, X: 10, IX: 9, V: 5, IV: 4, I: 1 }
  for (const symbol in table) {
    if (n >= table[symbol]) return symbol + toRoman(n - table[symbol])
  }
  return ""
}`,
  "Zero is spelled as the empty text, which ends the recursion."
)

const romanAdditiveOnly = answer(
  "Roman numerals are built greedily: take the largest symbol that still fits, append it and subtract its value, until nothing is left.",
  `
function toRoman(n) {
  const symbols = [[1000, "M"], [500, "D"], [100, "C"], [50, "L"], [10, "X"], [5, "V"], [1, "I"]]
  let result = ""
  for (const [value, symbol] of symbols) {
    while (n >= value) {
      result += symbol
      n -= value
    }
  }
  return result
}`,
  "The loop ends because the last symbol is worth one."
)

const romanSmallPairsOnly = answer(
  "The trick is to treat the subtractive pairs as symbols of their own and then to work greedily from the top.",
  `
function toRoman(n) {
  const values = [1000, 500, 100, 50, 10, 9, 5, 4, 1]
  const symbols = "M D C L X IX V IV I".split(" ")
  let result = ""
  values.forEach((value, index) => {
    const count = Math.floor(n / value)
    result += symbols[index].repeat(count)
    n -= count * value
  })
  return result
}`,
  "For example, 9 becomes IX and 14 becomes XIV."
)

const balancedStack = answer(
  "Keep a stack of the brackets that are still open. Every closing bracket must match the one on top.",
  `
function isBalanced(text) {
  const opener = { ")": "(", "]": "[", "}": "{" }
  const open = []
  for (const c of text) {
    if ("([{".includes(c)) {
      open.push(c)
    } else if (c in opener && open.pop() !== opener[c]) {
      return false
    }
  }
  return open.length === 0
}`,
  "All other characters are ignored, and the empty text is balanced."
)

const balancedReplace = answer(
  "First drop everything that is not a bracket, then remove matching neighbours until nothing changes any more.",
  `
function isBalanced(text) {
  let rest = text.replace(/[^()[\\]{}]/g, "")
  let before
  do {
    before = rest
    rest = rest.replace("()", "").replace("[]", "").replace("{}", "")
  } while (rest !== before)
  return rest === ""
}`,
  "If nothing remains, every bracket had its partner in the right place. It is not the fastest way, but it is short and easy to check."
)

const balancedCountOnly = answer(
  "A text is balanced when each kind of bracket is opened as often as it is closed, so counting is enough.",
  `
function isBalanced(text) {
  const count = (c) => text.split(c).length - 1
  return count("(") === count(")") &&
    count("[") === count("]") &&
    count("{") === count("}")
}`,
  "This needs no stack and runs in linear time."
)

const balancedDepthOnly = answer(
  "Go through the text once and keep the current depth; it must never become negative and must be zero at the end.",
  `
function isBalanced(text) {
  let depth = 0
  for (const c of text) {
    if ("([{".includes(c)) depth++
    if (")]}".includes(c)) depth--
    if (depth < 0) return false
  }
  return depth === 0
}`,
  "Characters that are not brackets do not change the depth."
)

const runLengthLoop = answer(
  "Count how long the current run is and write it down when the next character differs or the text ends.",
  `
function runLengthEncode(text) {
  let result = ""
  let count = 0
  for (let i = 0; i < text.length; i++) {
    count++
    if (text[i] !== text[i + 1]) {
      result += count + text[i]
      count = 0
    }
  }
  return result
}`,
  "For the empty text the loop never runs, so the result is empty as well."
)

const runLengthExpression = answer(
  "A regular expression with a back reference finds each run in one go, so the whole function is a single replacement. " +
    "The group captures the first character of a run, and the back reference takes every repetition that follows it.",
  `
function runLengthEncode(text) {
  return text.replace(/([\\s\\S])\\1*/g, (run, c) => run.length + c)
}`,
  "Since every character belongs to exactly one run, nothing is lost, and the empty text stays empty."
)

const runLengthLosesLast = answer(
  "Remember the current character and its count, and append both to the result whenever a new character begins.",
  `
function runLengthEncode(text) {
  if (text === "") return ""
  let result = ""
  let current = text[0]
  let count = 0
  for (const c of text) {
    if (c === current) {
      count++
    } else {
      result += count + current
      current = c
      count = 1
    }
  }
  return result
}`,
  "It reads the text once and handles the empty string."
)

/** Tasks by a regular expression on the prompt, with the candidate answers; the shape of the `Script` answer source. */
export const demonstrationEntries = [
  { pattern: "toRoman", answers: [romanGreedy, romanRecursive, romanAdditiveOnly, romanSmallPairsOnly] },
  { pattern: "isBalanced", answers: [balancedStack, balancedReplace, balancedCountOnly, balancedDepthOnly] },
  { pattern: "runLengthEncode", answers: [runLengthLoop, runLengthExpression, runLengthLosesLast] }
]
