// The Socket.IO peer: a server as its documentation has it, with what the fan-out does beside it:
// tokens are verified, everyone is in three rooms from the start, and libraries are joined on request.
// Told by arguments: the port, a file of events (a line each) and a file of public keys.
// `publish N` on standard input emits the first N events as fast as they go; `send FIRST END` emits those of
// these numbers, each to its own rooms.
const fs = require('node:fs')
const http = require('node:http').createServer()
const readline = require('node:readline')
const { createLocalJWKSet, jwtVerify } = require('jose')
const { Server } = require('socket.io')

const [port, eventsFile, keysFile, room] = process.argv.slice(2)
const events = fs.readFileSync(eventsFile, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
const keys = createLocalJWKSet(JSON.parse(fs.readFileSync(keysFile, 'utf8')))
const accepted = { issuer: 'studyspot', audience: 'studyspot', algorithms: ['EdDSA'] }

const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false })
io.use(async (socket, next) => {
  try {
    const { payload } = await jwtVerify(socket.handshake.auth.token, keys, accepted)
    socket.data = { userId: payload.sub, role: payload.role, expiresAt: payload.exp }
    next()
  } catch (error) {
    next(error)
  }
})
io.on('connection', (socket) => {
  socket.join(['everyone', `user:${socket.data.userId}`, `role:${socket.data.role}`])
  socket.on('join:library', (name, answer) => {
    socket.join(name)
    answer({ joined: true })
  })
})
http.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 })

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const [command, count, end] = line.split(' ')
  if (command === 'collect') global.gc()
  if (command === 'send') {
    for (const event of events.slice(Number(count), Number(end))) io.to(event.rooms).emit(event.name, event)
  }
  if (command !== 'publish') return
  for (const event of events.slice(0, Number(count))) {
    io.to(room).emit('seat:availability', event)
    await new Promise((resolve) => setImmediate(resolve))
  }
})
