/**
 * Thread of a child process: tells what the whole process has used, one line of JSON for each byte it receives.
 *
 * It has a socket of its own, because the event loop of an agent that relays may not turn for minutes. When the bench
 * dies the socket closes, and then this thread ends the process: nobody else in it might get to do it.
 *
 * Gotcha: the thread itself takes about 25 MB of the peak memory it reports, in each process alike.
 */
import { Socket } from "node:net"
import { type Usage, USAGE_DESCRIPTOR } from "./protocol.ts"

const usage = (): Usage => {
  const { system, user } = process.cpuUsage()
  return {
    cpuMicros: user + system,
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024
  }
}

const channel = new Socket({ fd: USAGE_DESCRIPTOR })
channel.on("data", (bytes) => {
  for (let asked = 0; asked < bytes.length; asked++) channel.write(`${JSON.stringify(usage())}\n`)
})
channel.on("close", () => process.kill(process.pid, "SIGKILL"))
