/**
 * A terminal that wraps: enough of one to follow what is written to it, with the cursor where a real one has it.
 *
 * After a character in the last column the cursor stays on it until the next one comes, which then begins another row.
 */

/** A control sequence, or a sign. */
const written = /\u241b\[\??(\d*)([A-Za-z])|([^\u241b])/gu

export class ScreenModel {
  columns: number
  readonly rows: Array<string> = [""]
  row = 0
  column = 0

  constructor(columns: number) {
    this.columns = columns
  }

  write(text: string): boolean {
    for (const [, parameter, command, sign] of text.replaceAll("\u001b", "\u241b").matchAll(written)) {
      if (sign === "\n") this.row++
      else if (sign === "\r") this.column = 0
      else if (sign !== undefined) this.put(sign)
      else if (command === "A") this.row = Math.max(0, this.row - Number(parameter || 1))
      else if (command === "B") this.row += Number(parameter || 1)
      else if (command === "K") this.cut(Math.min(this.column, this.columns - 1))
      else if (command === "J") {
        this.cut(Math.min(this.column, this.columns - 1))
        this.rows.length = this.row + 1
      } else if (command !== "h" && command !== "l" && command !== "m") throw new Error(`unknown sequence ${command}`)
      while (this.rows.length <= this.row) this.rows.push("")
    }
    return true
  }

  put(sign: string): void {
    if (this.column === this.columns) {
      this.row++
      this.column = 0
      while (this.rows.length <= this.row) this.rows.push("")
    }
    const row = this.rows[this.row]!.padEnd(this.column)
    this.rows[this.row] = row.slice(0, this.column) + sign + row.slice(this.column + 1)
    this.column++
  }

  cut(from: number): void {
    this.rows[this.row] = this.rows[this.row]!.slice(0, from)
  }

  /** The rows without blanks at their ends, and without empty ones at the end. */
  get shown(): ReadonlyArray<string> {
    const rows = this.rows.map((row) => row.trimEnd())
    return rows.slice(0, rows.findLastIndex((row) => row !== "") + 1)
  }
}
