/**
 * How wide a text is about to be: there is no browser here to measure it, so letters are of four kinds, each as wide as the
 * widest of the usual fonts draw it at 12 pixels. Labels are clipped by it, and legends laid out.
 */
import { clipMiddle } from "../render/visibleText.ts"

const NARROW = /[ .,:;|!'"`()[\]{}ijlftrI1/\\-]/
const BROAD = /[mwMW@%&_]/

const letterWidth = (letter: string): number => {
  const point = letter.codePointAt(0)!
  // Wide scripts and pictures.
  if (point >= 0x1100) return 14
  if (NARROW.test(letter)) return 5
  if (BROAD.test(letter)) return 11.8
  return point >= 0x41 && point <= 0x5a ? 8.8 : 7.7
}

/** In pixels. */
export const widthOf = (text: string): number => Array.from(text).reduce((sum, letter) => sum + letterWidth(letter), 0)

/** At most so many pixels of it, with … in the middle. */
export const clipWidth = (text: string, pixels: number): string => {
  if (text.length * 14 > pixels) {
    // No letter is narrower, so this many are enough to begin with.
    for (let most = Math.ceil(pixels / 5); most > 1; most--) {
      const clipped = clipMiddle(text, most)
      if (widthOf(clipped) <= pixels) return clipped
    }
  }
  return text
}
