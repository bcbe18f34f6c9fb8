#!/usr/bin/python3
"""A WHIP publisher made of GStreamer's webrtcbin: H.264 by x264 and Opus, from test sources.

Usage: gst_publisher.py URL TOKEN [--width N] [--height N] [--fps N] [--no-audio] [--no-video] [--marks]
       [--noise KBIT]

With --marks the picture turns from white to black at each whole second, and at that moment there is a tick.
With --noise the picture is noise of so many kbit/s, for large files.

Writes one JSON object a line to standard output: {"event": "connected", "origin_ms": ...}, {"event": "error", "text": ...},
{"event": "left", "status": ...}. A line "leave" on standard input (or its end) makes it leave by DELETE.
"""

import argparse
import json
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstController", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstController, GstSdp, GstWebRTC  # noqa: E402


def say(**event):
    print(json.dumps(event), flush=True)


def description(options):
    parts = ["webrtcbin name=peer bundle-policy=max-bundle"]
    pattern = "solid-color" if options.marks else "snow" if options.noise else "ball"
    wave = "wave=ticks tick-interval=1000000000 freq=1000" if options.marks else "wave=sine freq=440"
    if options.video:
        parts.append(
            f"videotestsrc name=camera is-live=true pattern={pattern} ! "
            f"video/x-raw,format=I420,width={options.width},height={options.height},framerate={options.fps}/1 ! "
            f"x264enc tune=zerolatency speed-preset=ultrafast bitrate={options.noise or 500} key-int-max={options.fps * 2} ! "
            f"video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1 ! "
            f"rtph264pay aggregate-mode=zero-latency ! "
            f"application/x-rtp,media=video,encoding-name=H264,payload=96 ! peer.")
    if options.audio:
        parts.append(
            f"audiotestsrc name=microphone is-live=true {wave} volume=0.5 ! audioconvert ! audioresample ! "
            "audio/x-raw,rate=48000,channels=2 ! opusenc bitrate=48000 ! rtpopuspay ! "
            "application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.")
    return "  ".join(parts)


def blink(camera):
    """White for the second half of each second of the camera's time, black for the first."""
    wave = GstController.LFOControlSource()
    wave.set_property("waveform", GstController.LFOWaveform.SQUARE)
    wave.set_property("frequency", 1.0)
    wave.set_property("amplitude", 0.5)
    wave.set_property("offset", 0.5)
    camera.add_control_binding(GstController.DirectControlBinding.new(camera, "foreground-color", wave))


class Publisher:
    def __init__(self, options):
        self.options = options
        self.resource = None
        self.status = 0
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(description(options))
        self.peer = self.pipeline.get_by_name("peer")
        if options.marks and options.video:
            blink(self.pipeline.get_by_name("camera"))
        self.first_sound_ns = 0
        if options.audio:
            pad = self.pipeline.get_by_name("microphone").get_static_pad("src")
            pad.add_probe(Gst.PadProbeType.BUFFER, self.on_first_sound)
        self.agent = self.peer.get_property("ice-agent")  # kept: GStreamer 1.22 gives it without a reference
        self.agent.emit("add-local-ip-address", "127.0.0.1")
        self.peer.connect("on-negotiation-needed", self.on_negotiation_needed)
        self.peer.connect("notify::ice-gathering-state", self.on_gathering)
        self.peer.connect("notify::connection-state", self.on_connection)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        threading.Thread(target=self.listen, daemon=True).start()
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        return self.status

    def listen(self):
        for line in sys.stdin:
            if line.strip() == "leave":
                break
        GLib.idle_add(self.leave)

    def fail(self, text):
        say(event="error", text=text)
        self.status = 1
        self.loop.quit()

    def on_error(self, _bus, message):
        self.fail(str(message.parse_error()))

    def on_negotiation_needed(self, peer):
        for i in range(int(self.options.audio) + int(self.options.video)):
            transceiver = peer.emit("get-transceiver", i)
            if transceiver is not None:
                transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer, None))

    def on_offer(self, promise, _):
        reply = promise.get_reply()  # kept while its value is in use
        offer = reply.get_value("offer")
        self.peer.emit("set-local-description", offer, Gst.Promise.new())

    def on_gathering(self, peer, _):
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.post)

    def on_connection(self, peer, _):
        state = peer.get_property("connection-state")
        if state == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            say(event="connected", origin_ms=self.origin_ms())
        if state == GstWebRTC.WebRTCPeerConnectionState.FAILED:
            GLib.idle_add(self.fail, "the connection failed")

    def on_first_sound(self, _pad, info):
        self.first_sound_ns = info.get_buffer().pts
        return Gst.PadProbeReturn.REMOVE

    def origin_ms(self):
        """The wall clock, in Unix ms, when the first sound was made."""
        running_ns = self.pipeline.get_clock().get_time() - self.pipeline.get_base_time()
        return time.time() * 1000 - (running_ns - self.first_sound_ns) / 1e6

    def request(self, method, url, body=None):
        headers = {"Authorization": f"Bearer {self.options.token}"}
        if body is not None:
            headers["Content-Type"] = "application/sdp"
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        return urllib.request.urlopen(request, timeout=8)

    def post(self):
        if self.resource is not None:
            return
        offer = self.peer.get_property("local-description").sdp.as_text()
        try:
            with self.request("POST", self.options.url, offer.encode()) as response:
                self.resource = urllib.parse.urljoin(self.options.url, response.headers["Location"])
                text = response.read()
        except urllib.error.HTTPError as error:
            self.fail(f"POST: {error.code} {error.read().decode(errors='replace')}")
            return
        except OSError as error:
            self.fail(f"POST: {error}")
            return
        _, sdp = GstSdp.SDPMessage.new_from_text(text.decode())
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.peer.emit("set-remote-description", answer, Gst.Promise.new())

    def leave(self):
        status = None
        if self.resource is not None:
            try:
                with self.request("DELETE", self.resource) as response:
                    status = response.status
            except urllib.error.HTTPError as error:
                status = error.code
            except OSError as error:
                status = str(error)
        say(event="left", status=status)
        self.loop.quit()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--height", type=int, default=270)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--no-audio", dest="audio", action="store_false")
    parser.add_argument("--no-video", dest="video", action="store_false")
    parser.add_argument("--marks", action="store_true")
    parser.add_argument("--noise", type=int, metavar="KBIT")
    options = parser.parse_args()
    Gst.init(None)
    return Publisher(options).run()


if __name__ == "__main__":
    sys.exit(main())
