/**
 * The programs that run answers, one per language family: which executable with which flags, what of the file system it
 * needs, and the request that it reads.
 *
 * Law: besides its own executable and libraries a runtime needs nothing to be readable; its program comes as an argument.
 */
import { readFileSync } from "node:fs"
import type { Confined } from "./Confinement.ts"
import type { Python } from "./HostTools.ts"
import { pythonProgram } from "./PythonProgram.ts"
import { defaultLimits, type SandboxLimits } from "./SandboxLimits.ts"

export interface Runtime extends Omit<Confined, "identity"> {
  /** Address space, in MiB; undefined where the runtime reserves more than it uses. */
  readonly addressMegabytes: number | undefined
  /** Directories that the language's own modules are read from. */
  readonly library: ReadonlyArray<string>
}

/** The text of the program and how Node is to read it: from source it is TypeScript, from the package JavaScript. */
const readProgram = () => {
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js"
  return {
    text: readFileSync(new URL(`./SandboxProgram${extension}`, import.meta.url), "utf8"),
    inputType: extension === ".ts" ? "module-typescript" : "module"
  }
}

/** The flags that take everything from a Node process but computing. */
export const nodeFlags = (limits: Pick<SandboxLimits, "heapMegabytes">): ReadonlyArray<string> => [
  "--permission",
  "--disallow-code-generation-from-strings",
  `--max-old-space-size=${limits.heapMegabytes}`,
  "--disable-warning=ExperimentalWarning"
]

/** Node needs about ten threads. */
const nodeProcesses = 64
/** Python needs one; some answers start threads. */
const pythonProcesses = 16
const pythonAddressMegabytes = 1_024

export const forNode = (executable: string) => {
  const program = readProgram()
  return (limits: SandboxLimits): Runtime => ({
    executable,
    arguments: [...nodeFlags(limits), `--input-type=${program.inputType}`, "--eval", program.text],
    readable: [{ path: executable, isDirectory: false }],
    processes: nodeProcesses,
    addressMegabytes: undefined,
    library: []
  })
}

export const forPython = (python: Python) => (_limits: SandboxLimits): Runtime => ({
  executable: python.executable,
  arguments: ["-I", "-S", "-B", "-c", pythonProgram],
  readable: [
    { path: python.executable, isDirectory: false },
    ...[...python.library, ...python.shared].map((path) => ({ path, isDirectory: true }))
  ],
  processes: pythonProcesses,
  addressMegabytes: pythonAddressMegabytes,
  library: python.library
})

interface Request {
  readonly code: string
  readonly language: "javascript" | "typescript" | "python"
  readonly functionName: string
  /** Per call: its arguments, as the text of a JSON array. */
  readonly calls: ReadonlyArray<string>
}

/** What the program reads on its standard input. */
export const encodeRequest = (
  { calls, code, functionName, language }: Request,
  { callMillis, outputBytes, wallMillis }: SandboxLimits,
  { library }: Pick<Runtime, "library">
): string => JSON.stringify({ code, language, functionName, calls, callMillis, wallMillis, outputBytes, library })

/** A request that asks for nothing, to see whether a program starts. */
export const emptyRequest: string = encodeRequest(
  { code: "", language: "javascript", functionName: "none", calls: [] },
  defaultLimits,
  { library: [] }
)
