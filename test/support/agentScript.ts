/**
 * An agent that is a program: serves a card at the port of $PORT, and behaves as its arguments say.
 *
 * `deaf`: ignores SIGTERM. `child`: starts a grandchild that ignores SIGTERM too. `loud N`: says N bytes. `fail`: ends
 * with exit code 3 before it listens. GET /die ends it with exit code 7.
 */
import { spawn } from "node:child_process"
import { createServer } from "node:http"

const [...words] = process.argv.slice(2)
const port = Number(process.env["PORT"])
const url = `http://127.0.0.1:${port}/`

if (words.includes("deaf")) process.on("SIGTERM", () => console.log("deaf to SIGTERM"))
if (words.includes("child")) {
  const child = spawn(process.execPath, ["-e", "process.on('SIGTERM',()=>{});setInterval(()=>{},1000)"])
  console.log(`child ${child.pid}`)
}
if (words.includes("loud")) console.log("x".repeat(Number(words[words.indexOf("loud") + 1])))
if (words.includes("fail")) {
  console.error("cannot find my model")
  process.exit(3)
}

const card = {
  name: process.env["AGENT_NAME"] ?? "script",
  capabilities: { streaming: true },
  supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }]
}
createServer((request, response) => {
  if (request.url === "/die") process.exit(7)
  response.writeHead(200, { "content-type": "application/json" })
  response.end(JSON.stringify(card))
}).listen(port, "127.0.0.1", () => console.log(`listening as process ${process.pid}`))
