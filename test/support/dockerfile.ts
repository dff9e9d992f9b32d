/**
 * Reads a Dockerfile as far as ours goes: instructions with continued lines, build arguments with defaults, stages on top of
 * stages. No here-documents, no escapes, no quotes in ENV.
 */
import { assert } from "@effect/vitest"

export interface Instruction {
  readonly name: string
  readonly text: string
}

export interface Stage {
  readonly name: string
  /** The stage or image that it stands on. */
  readonly base: string
  readonly platform: string | undefined
  readonly instructions: ReadonlyArray<Instruction>
}

export const stagesOf = (dockerfile: string): ReadonlyMap<string, Stage> => {
  const lines = dockerfile.split("\n").filter((line) => !line.startsWith("#")).join("\n").replaceAll(/\\\n/g, " ")
  const stages = new Map<string, Stage & { readonly instructions: Array<Instruction> }>()
  const defaults = new Map<string, string>()
  let last: Array<Instruction> | undefined
  for (const line of lines.split("\n").filter((line) => line.trim() !== "")) {
    const [, name, text] = /^([A-Z]+)\s+(.*)$/.exec(line)!
    if (name === "FROM") {
      const [, platform, base, stage] = /^(?:--platform=(\S+) )?(\S+) AS (\w+)$/.exec(text!)!
      last = []
      const known = base!.replaceAll(/\$\{(\w+)\}/g, (_, argument: string) => defaults.get(argument)!)
      stages.set(stage!, { name: stage!, base: known, platform, instructions: last })
    } else if (last === undefined) {
      assert.strictEqual(name, "ARG")
      const [argument, value] = text!.split("=")
      defaults.set(argument!, value!)
    } else {
      last.push({ name: name!, text: text!.trim() })
    }
  }
  return stages
}

/** All instructions of a name that count in a stage, those of the stages below it first. */
export const inherited = (stages: ReadonlyMap<string, Stage>, name: string, instruction: string): Array<string> => {
  const stage = stages.get(name)
  if (stage === undefined) return []
  const own = stage.instructions.filter(({ name }) => name === instruction).map(({ text }) => text)
  return [...inherited(stages, stage.base, instruction), ...own]
}
