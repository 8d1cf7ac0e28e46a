// Sockets of the portals' own client. What they are to do, and what their library tells them, are lines of JSON.
"use strict";

const { createInterface } = require("node:readline");
const { io } = require("socket.io-client");

const ANSWER_WITHIN_MS = 10_000;
const sockets = new Map();

function open({ socket: number, url, options }) {
  const socket = io(url, { forceNew: true, ...options });
  const tell = (kind, name, args) => {
    process.stdout.write(JSON.stringify({ socket: number, kind, name, args }) + "\n");
  };
  sockets.set(number, { socket, tell });
  socket.on("connect", () => tell("connect", "", [socket.id, socket.recovered]));
  socket.on("connect_error", (error) => tell("connect_error", "", [error.message, error.data ?? null]));
  socket.on("disconnect", (reason) => tell("disconnect", "", [reason]));
  socket.onAny((name, ...args) => tell("event", name, args));
  socket.io.on("reconnect_attempt", (attempt) => tell("attempt", "", [attempt]));
  socket.io.on("reconnect_failed", () => tell("gave-up", "", []));
  socket.io.on("ping", () => tell("ping", "", []));
}

const ORDERS = {
  emit: ({ socket }, { name, args }) => socket.emit(name, ...args),
  ask: ({ socket, tell }, { name, args, question }) => {
    socket.timeout(ANSWER_WITHIN_MS).emit(name, ...args, (error, ...answer) => {
      tell("answer", question, error === null ? answer : [error.message]);
    });
  },
  bytes: ({ socket }, { name }) => socket.emit(name, Buffer.from([1, 2, 3])),
  state: ({ socket, tell }, { question }) => tell("answer", question, [socket.active]),
  cut: ({ socket }) => socket.io.engine.transport.ws.terminate(),
  connect: ({ socket }) => socket.connect(),
  disconnect: ({ socket }) => socket.disconnect(),
  renew: ({ socket }, { token }) => Object.assign(socket.auth, { token }),
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    if (order.do === "open") {
      open(order);
    } else {
      ORDERS[order.do](sockets.get(order.socket), order);
    }
  })
  .on("close", () => process.exit());
