/**
 * The package bench's results for people: pure.
 */
import { significant, table } from "../support/table.ts"
import { type Measured, summarize } from "./Results.ts"

/** Smaller packages are told together. */
const SMALL = 1e6

const megabytes = (bytes: number) => `${significant(bytes / 1e6)} MB`
const sum = (installed: Measured["installed"]) => installed.reduce((bytes, one) => bytes + one.bytes, 0)

/** Lines for stdout. */
export const render = (measured: Measured): string => {
  const { installed, packedBytes } = measured
  const large = installed.filter(({ bytes }) => bytes >= SMALL)
  const small = installed.filter(({ bytes }) => bytes < SMALL)
  return [
    `packed ${megabytes(packedBytes)}; installed ${megabytes(sum(installed))} in ${installed.length} packages`,
    ...table([
      ...large.map(({ bytes, name }) => [name, megabytes(bytes)]),
      [`${small.length} others`, megabytes(sum(small))]
    ], ["left"]),
    "",
    ...table([
      ["import", "time", "heap", "modules", "other packages"],
      ...summarize(measured).map(({ heapBytes, millis, modules, packages, specifier }) => [
        specifier,
        `${significant(millis)} ms`,
        megabytes(heapBytes),
        String(modules),
        packages.join(" ")
      ])
    ], ["left", "right", "right", "right", "left"])
  ].join("\n")
}
