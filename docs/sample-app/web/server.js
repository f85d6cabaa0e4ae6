// Lendery's front end. Every flaw in this file is deliberate.
const express = require("express");
const { exec } = require("child_process");
const fs = require("fs");
const jwt = require("jsonwebtoken");

const app = express();
const SIGNING_KEY = "lendery-signing";

app.get("/search", (req, res) => {
  res.send("<p>Results for " + req.query.q + "</p>");
});

app.get("/export", (req, res) => {
  exec("tar czf /tmp/export.tgz " + req.query.shelf, () => res.sendFile("/tmp/export.tgz"));
});

app.get("/page", (req, res) => {
  fs.readFile("/srv/pages/" + req.query.name, (error, text) => res.send(text));
});

app.get("/sum", (req, res) => {
  res.send(String(eval(req.query.expression)));
});

app.get("/go", (req, res) => {
  res.redirect(req.query.to);
});

app.get("/token", (req, res) => {
  res.send(jwt.sign({ name: req.query.name }, SIGNING_KEY, { algorithm: "none" }));
});

app.get("/match", (req, res) => {
  res.send(new RegExp(req.query.pattern).test(req.query.text));
});

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
app.listen(8080);
