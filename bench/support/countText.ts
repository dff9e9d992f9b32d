/**
 * Counts a text in bytes that come in pieces, wherever they are cut, without looking at anything else in them.
 */

/** Gives, for each piece, how many occurrences end in it. The text must not overlap itself. */
export const countText = (text: string): (piece: Buffer) => number => {
  const sought = Buffer.from(text)
  const overlap = sought.length - 1
  let before = Buffer.alloc(0)
  return (piece) => {
    let count = 0
    // What begins in the pieces before; the seam is too short for anything else.
    const seam = Buffer.concat([before, piece.subarray(0, overlap)])
    for (let at = seam.indexOf(sought); at >= 0 && at < before.length; at = seam.indexOf(sought, at + 1)) count++
    for (let at = piece.indexOf(sought); at >= 0; at = piece.indexOf(sought, at + sought.length)) count++
    before = Buffer.from(piece.length >= overlap ? piece.subarray(piece.length - overlap) : seam.subarray(-overlap))
    return count
  }
}
