"""Lendery's API. Every flaw in this file is deliberate."""

import hashlib
import os
import pickle
import random
import sqlite3
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import requests
import yaml
from flask import Flask, make_response, redirect, render_template_string, request, send_file

app = Flask(__name__)
app.secret_key = "lendery-development-key"
DATABASE = "/tmp/lendery.db"


def connect():
    return sqlite3.connect(DATABASE)


@app.route("/books")
def find_books():
    title = request.args.get("title", "")
    rows = connect().execute("SELECT id, title FROM books WHERE title LIKE '%" + title + "%'").fetchall()
    return {"books": rows}


@app.route("/members/<name>")
def member(name):
    query = f"SELECT * FROM members WHERE name = '{name}'"
    return {"member": connect().execute(query).fetchone()}


@app.route("/greet")
def greet():
    return render_template_string("<h1>Welcome back, " + request.args.get("name", "") + "</h1>")


@app.route("/cover")
def cover():
    return send_file(os.path.join("/srv/covers", request.args["file"]))


@app.route("/preview")
def preview():
    page = requests.get(request.args["url"], verify=False)
    return page.text


@app.route("/convert", methods=["POST"])
def convert():
    source = request.form["source"]
    subprocess.call("convert " + source + " /srv/covers/out.png", shell=True)
    os.system("chmod 777 /srv/covers/out.png")
    return redirect(request.form["next"])


@app.route("/basket", methods=["POST"])
def basket():
    return {"items": pickle.loads(request.get_data())}


@app.route("/import", methods=["POST"])
def import_books():
    if request.content_type == "application/x-yaml":
        return {"count": len(yaml.load(request.get_data(), Loader=yaml.Loader))}
    tree = ElementTree.fromstring(request.get_data())
    return {"count": len(tree)}


@app.route("/login", methods=["POST"])
def login():
    digest = hashlib.md5(request.form["password"].encode()).hexdigest()
    row = connect().execute("SELECT name FROM members WHERE digest = '%s'" % digest).fetchone()
    answer = make_response({"name": row and row[0]})
    answer.set_cookie("session", str(random.randint(0, 10**9)))
    return answer


@app.route("/report")
def report():
    path = tempfile.mktemp(suffix=".csv")
    with open(path, "w") as out:
        out.write(request.args.get("text", ""))
    os.chmod(path, 0o777)
    return {"path": path}


@app.route("/discount")
def discount():
    return {"price": eval(request.args.get("formula", "0"))}


@app.route("/health")
def health():
    try:
        connect().execute("SELECT 1")
    except Exception:
        pass
    assert DATABASE
    return "ok"


if __name__ == "__main__":
    app.run(host="0.0.0.0", debug=True)
