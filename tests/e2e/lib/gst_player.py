"""Plays a file with GStreamer: python3 gst_player.py FILE [SECONDS...]

Plays it through as fast as it goes, then seeks to each place and plays from there for a second. Prints one line of
JSON: { "duration", "seekable", "video": [times], "sizes": ["320x180", ...], "audio": [first, last], "places":
[{ "asked", "video", "audio" }], "error" }; times in seconds, of what was decoded.
"""
import json
import sys

import gi
gi.require_version('Gst', '1.0')
from gi.repository import Gst, GLib  # noqa: E402

LIMIT_NS = 60 * Gst.SECOND


class Player:
    def __init__(self, path):
        self.clear()
        self.sizes = []
        self.bin = Gst.ElementFactory.make('playbin')
        self.bin.set_property('uri', GLib.filename_to_uri(path))
        for kind in ('video', 'audio'):
            sink = Gst.ElementFactory.make('fakesink')
            sink.set_property('sync', False)
            sink.set_property('signal-handoffs', True)
            sink.connect('handoff', self.take, kind)
            self.bin.set_property(f'{kind}-sink', sink)

    def clear(self):
        self.times = {'video': [], 'audio': []}

    def take(self, sink, buffer, pad, kind):
        if buffer.pts == Gst.CLOCK_TIME_NONE:
            return
        # The place in the stream, whatever the segment says after a seek.
        segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
        self.times[kind].append(segment.to_stream_time(Gst.Format.TIME, buffer.pts) / Gst.SECOND)
        if kind == 'video':
            caps = pad.get_current_caps().get_structure(0)
            size = f"{caps.get_int('width')[1]}x{caps.get_int('height')[1]}"
            if size not in self.sizes:
                self.sizes.append(size)

    def wait(self, kinds):
        message = self.bin.get_bus().timed_pop_filtered(LIMIT_NS, kinds | Gst.MessageType.ERROR)
        if message is None:
            raise RuntimeError('nothing happens')
        if message.type == Gst.MessageType.ERROR:
            error, debug = message.parse_error()
            raise RuntimeError(f'{error.message} ({debug})')

    def prepare(self):
        self.bin.set_state(Gst.State.PAUSED)
        self.wait(Gst.MessageType.ASYNC_DONE)

    def play(self):
        self.bin.set_state(Gst.State.PLAYING)
        self.wait(Gst.MessageType.EOS)

    def seek(self, start, stop):
        self.bin.set_state(Gst.State.PAUSED)
        self.clear()
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
        done = self.bin.seek(1.0, Gst.Format.TIME, flags, Gst.SeekType.SET, int(start * Gst.SECOND),
                             Gst.SeekType.SET, int(stop * Gst.SECOND))
        if not done:
            raise RuntimeError(f'cannot seek to {start}')
        self.wait(Gst.MessageType.ASYNC_DONE)
        self.play()


def look(path, places):
    player = Player(path)
    player.prepare()
    query = Gst.Query.new_seeking(Gst.Format.TIME)
    result = {
        'duration': player.bin.query_duration(Gst.Format.TIME)[1] / Gst.SECOND,
        'seekable': player.bin.query(query) and query.parse_seeking()[1],
    }
    player.play()
    result['video'] = player.times['video']
    result['audio'] = [player.times['audio'][0], player.times['audio'][-1]]
    result['places'] = []
    for place in places:
        player.seek(place, place + 1)
        result['places'].append({'asked': place, **player.times})
    result['sizes'] = player.sizes
    player.bin.set_state(Gst.State.NULL)
    return result


Gst.init(None)
try:
    print(json.dumps(look(sys.argv[1], [float(a) for a in sys.argv[2:]])))
except (RuntimeError, IndexError) as error:
    print(json.dumps({'error': str(error)}))
