/**
 * Text of agents, as text that cannot do anything: names, reasons and transcripts come from whoever answered.
 *
 * The page never makes markup of text (only `textContent`), so no text can be script. What is left to fear is text that
 * plays tricks with the eye: controls that turn the direction of a line, or hide, or look like nothing.
 *
 * Laws: what `singleLine` gives has no controls, no line breaks, no lone surrogates and at most `longest` characters;
 * what `visible` gives differs from its text only in that controls have become signs that can be seen, and is never
 * cut. Joiners stay, because scripts and emoji need them; an element around the text has to isolate its direction.
 */

/** C0 and C1 controls, and the controls of direction. */
const isControl = (code: number): boolean =>
  code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x061c || code === 0x200e || code === 0x200f ||
  (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code === 0xfeff || code === 0x200b ||
  (code >= 0xfff9 && code <= 0xfffb)

const suspect = /[^\x20-\x7e]/

const mapped = (text: string, ofControl: (code: number) => string): string => {
  if (!suspect.test(text)) return text
  const parts: Array<string> = []
  let from = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (!isControl(code)) continue
    parts.push(text.slice(from, index), ofControl(code))
    from = index + 1
  }
  parts.push(text.slice(from))
  return parts.join("").toWellFormed()
}

/** Any text as one line of at most `longest` characters, with … where something is missing. */
export const singleLine = (text: string, longest = 300): string => {
  // Looked at in a part only: a name of a megabyte shall not cost more than another.
  const part = text.slice(0, longest * 2)
  const line = mapped(part, () => " ").replace(/\s+/g, " ").trim()
  return line.length > longest || part.length < text.length ? `${line.slice(0, longest - 1).toWellFormed()}…` : line
}

/** The sign of a control: ␛ for those that have a picture, its number for the others. */
const pictured = (code: number): string => {
  if (code === 0x0a || code === 0x09) return String.fromCharCode(code)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? "␡" : `⟦U+${code.toString(16).toUpperCase().padStart(4, "0")}⟧`
}

/** A text of several lines with its controls made visible; line breaks and tabulators stay. */
export const visible = (text: string): string => mapped(text.replace(/\r\n/g, "\n"), pictured)
