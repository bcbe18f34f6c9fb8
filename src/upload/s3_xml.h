/* Just enough XML for the small answers of S3 stores: the outermost element, and the text of an
 * element by its name. Prefixes of names and attributes are ignored; a document type is refused.
 * Pure; the input may be anything. */
#ifndef UPLOAD_S3_XML_H
#define UPLOAD_S3_XML_H

#include "base/bytes.h"

/* The outermost element has this name. */
bool s3_xml_root_is(struct bytes xml, const char *name);

/* The text of the first element of this name, wherever it stands, with entities decoded: characters
 * that are not ASCII, or not printable, become '?'. True: all of it is in `out`. False: there is no
 * such element, the XML breaks before its end or holds elements within, or `size` is too small;
 * what was found so far is in `out`. */
bool s3_xml_text(struct bytes xml, const char *name, char *out, size_t size);

/* What stands within the next element of this name, which holds no other of its name; `xml` goes on
 * behind it. False: there is none, or the XML breaks before its end. */
bool s3_xml_next(struct bytes *xml, const char *name, struct bytes *inside);

#endif
