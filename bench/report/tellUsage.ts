/**
 * Loaded before a command (`node --import`): tells what its process has used, as it ends, in the file that
 * `BENCH_USAGE_FILE` names.
 */
import { writeFileSync } from "node:fs"

process.on("exit", () => {
  const file = process.env["BENCH_USAGE_FILE"]
  if (file === undefined) return
  const { maxRSS, systemCPUTime, userCPUTime } = process.resourceUsage()
  writeFileSync(file, JSON.stringify({ cpuMillis: (userCPUTime + systemCPUTime) / 1000, peakBytes: maxRSS * 1024 }))
})
