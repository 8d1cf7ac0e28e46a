// Sockets of the portals' own client, for whoever connects. What they are to do, and what their library tells them,
// are lines of JSON. It ends with its standard input.
"use strict";

const { createServer } = require("node:net");
const { createInterface } = require("node:readline");
const { io } = require("socket.io-client");

const ANSWER_WITHIN_MS = 10_000;

const ORDERS = {
  emit: ({ socket }, { name, args }) => socket.emit(name, ...args),
  ask: ({ socket, tell }, { name, args, question }) => {
    socket.timeout(ANSWER_WITHIN_MS).emit(name, ...args, (error, ...answer) => {
      tell("answer", question, error === null ? answer : [error.message]);
    });
  },
  bytes: ({ socket }, { name }) => socket.emit(name, Buffer.from([1, 2, 3])),
  state: ({ socket, tell }, { question }) => tell("answer", question, [socket.active]),
  connect: ({ socket }) => socket.connect(),
  disconnect: ({ socket }) => socket.disconnect(),
  renew: ({ socket }, { token }) => Object.assign(socket.auth, { token }),
};

function open(line, { socket: number, url, options }) {
  const socket = io(url, { forceNew: true, ...options });
  const tell = (kind, name, args) => {
    if (line.writable) {
      line.write(JSON.stringify({ socket: number, kind, name, args }) + "\n");
    }
  };
  socket.on("connect", () => tell("connect", "", [socket.id, socket.recovered]));
  socket.on("connect_error", (error) => tell("connect_error", "", [error.message, error.data ?? null]));
  socket.on("disconnect", (reason) => tell("disconnect", "", [reason]));
  socket.onAny((name, ...args) => tell("event", name, args));
  socket.io.on("ping", () => tell("ping", "", []));
  return { socket, tell };
}

const server = createServer((line) => {
  const sockets = new Map();
  // Whoever goes need not have read all that they were told.
  line.on("error", () => line.destroy());
  createInterface({ input: line })
    .on("line", (text) => {
      const order = JSON.parse(text);
      if (order.do === "open") {
        sockets.set(order.socket, open(line, order));
      } else {
        ORDERS[order.do](sockets.get(order.socket), order);
      }
    })
    .on("error", () => line.destroy())
    .on("close", () => sockets.forEach(({ socket }) => socket.disconnect()));
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.stdin.on("end", () => process.exit()).resume();
