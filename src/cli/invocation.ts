/** How the user called the command, for lines they can copy. */
import { relative } from "node:path"

/** `bin/campaign` in a checkout, `campaign` where it is installed. */
export const invocation = (): string => {
  const script = relative(process.cwd(), process.argv[1] ?? "")
  return script.startsWith("..") || script.includes("node_modules") || script === "" ? "campaign" : script
}

/** The command that goes on with the campaign of a file. */
export const resumeCommand = (database: string): string => `${invocation()} resume --db ${database}`
