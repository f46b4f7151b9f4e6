"""The members of a zip file, read no further than they say they go."""
import zipfile

from ..errors import Refused


def content(archive, member):
    """The bytes of a member; at most as many as the directory of the archive says it has.

    (Without a limit `zipfile` unpacks all there is, and looks at the size afterwards.)
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"its member {member.filename:.80} is compressed in an unusual way")
    with archive.open(member) as file:
        return file.read(member.file_size + 1)
