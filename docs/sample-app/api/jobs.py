"""Lendery's nightly jobs. Every flaw in this file is deliberate."""

import ftplib
import hashlib
import marshal
import ssl
import tarfile
import telnetlib
import urllib.request
from xml.dom import minidom

import jinja2
import paramiko
from Crypto.Cipher import AES, DES

PASSWORD = "reading-room"


def fetch_catalogue(url):
    context = ssl._create_unverified_context()
    return urllib.request.urlopen(url, context=context).read()


def unpack(archive, target):
    with tarfile.open(archive) as bundle:
        bundle.extractall(target)


def checksum(data):
    return hashlib.sha1(data).hexdigest()


def seal(key, data):
    return DES.new(key, DES.MODE_ECB).encrypt(data)


def seal_better(key, data):
    return AES.new(key, AES.MODE_ECB).encrypt(data)


def restore(blob):
    return marshal.loads(blob)


def parse_feed(text):
    return minidom.parseString(text)


def push_to_branch(host, user):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(host, username=user, password=PASSWORD)
    client.exec_command("lendery-sync " + user)


def legacy_transfer(host):
    ftp = ftplib.FTP(host)
    ftp.login("lendery", PASSWORD)
    return telnetlib.Telnet(host)


def old_socket():
    return ssl.SSLContext(ssl.PROTOCOL_TLSv1)


def render(template, values):
    return jinja2.Environment(autoescape=False).from_string(template).render(values)


def run_hook(code):
    exec(code)
