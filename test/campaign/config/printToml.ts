/** Values as TOML, in both ways in which tables can be written. */

type Table = Readonly<Record<string, unknown>>

const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null && !Array.isArray(value)

/** A key as it is printed. */
export const printKey = (key: string): string => /^[A-Za-z0-9_-]+$/.test(key) ? key : printText(key)

const printText = (text: string): string => JSON.stringify(text).replaceAll("\u007f", "\\u007F")

/** A value in one line. */
export const printInline = (value: unknown): string =>
  typeof value === "string"
    ? printText(value)
    : Array.isArray(value)
    ? `[${value.map(printInline).join(", ")}]`
    : isTable(value)
    ? `{ ${Object.entries(value).map(([key, member]) => `${printKey(key)} = ${printInline(member)}`).join(", ")} }`
    : typeof value === "number" && !Number.isInteger(value)
    ? value.toString().replace(/^(-?\d+)e/, "$1.0e")
    : typeof value === "number"
    ? BigInt(value).toString()
    : String(value)

/** A document, with headers for tables and lists of tables unless all is to stand inline. */
export const printToml = (table: Table, inline = false): string => {
  const lines: Array<string> = []
  const print = (table: Table, path: ReadonlyArray<string>) => {
    const headed = Object.entries(table).filter(([, value]) =>
      !inline && (isTable(value) || (Array.isArray(value) && value.length > 0 && value.every(isTable)))
    )
    for (const [key, value] of Object.entries(table)) {
      if (!headed.some(([name]) => name === key)) lines.push(`${printKey(key)} = ${printInline(value)}`)
    }
    for (const [key, value] of headed) {
      const name = [...path, key]
      const header = name.map(printKey).join(".")
      if (isTable(value)) {
        lines.push("", `[${header}]`)
        print(value, name)
      } else {
        for (const element of value as ReadonlyArray<Table>) {
          lines.push("", `[[${header}]]`)
          print(element, name)
        }
      }
    }
  }
  print(table, [])
  return `${lines.join("\n")}\n`
}
