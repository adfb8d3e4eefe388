/// What git prints of a commit with a bit of everything: other line endings, a file deleted (whose first line looks like a
/// header), one that is binary, a mode, three hunks, a rename, and a new file with hostile bytes and no line break at its end.
let sampleDiff = """
     dos.txt                                   |   4 ++--
     gone.txt                                  |   2 --
     logo.png                                  | Bin 256 -> 256 bytes
     run.sh                                    |   0
     src/avatar/Upload.swift                   |   8 +++++---
     src/avatar/{old name.txt => new name.txt} |   2 +-
     日本語.md                                 |   3 +++
     7 files changed, 11 insertions(+), 8 deletions(-)

    diff --git a/dos.txt b/dos.txt
    index 814f4a4..4e349b5 100644
    --- a/dos.txt
    +++ b/dos.txt
    @@ -1,2 +1,2 @@
    -one
    -two
    +one\r
    +two\r
    diff --git a/gone.txt b/gone.txt
    deleted file mode 100644
    index 13bb132..0000000
    --- a/gone.txt
    +++ /dev/null
    @@ -1,2 +0,0 @@
    --- a comment
    -farewell
    diff --git a/logo.png b/logo.png
    index c866266..5663091 100644
    Binary files a/logo.png and b/logo.png differ
    diff --git a/run.sh b/run.sh
    old mode 100644
    new mode 100755
    diff --git a/src/avatar/Upload.swift b/src/avatar/Upload.swift
    index e9845b7..3c53b05 100644
    --- a/src/avatar/Upload.swift
    +++ b/src/avatar/Upload.swift
    @@ -8,8 +8,9 @@ line 7
     line 8
     line 9
     func upload(_ picture: Picture) -> Bool {
    -line 11
    -\treturn store(picture)
    +    // Too large: refused, と言う。
    +\tguard picture.size < limit else { return false }
    +\treturn store(picture, as: .avatar)
     line 13
     line 14
     line 15
    @@ -37,7 +38,7 @@ line 36
     line 37
     line 38
     line 39
    -let label = "画像を選ぶ"
    +let label = "画像を選んでください、または"
     line 41
     line 42
     line 43
    @@ -47,6 +48,7 @@ line 46
     line 47
     line 48
     line 49
    +// a very long line that is wrapped, 日本語も, a very long line that is wrapped, 日本語も, \
    a very long line that is wrapped, 日本語も, a very long line that is wrapped, 日本語も, \
    a very long line that is wrapped, 日本語も, a very long line that is wrapped, 日本語も, \
    end
     line 50
     line 51
     line 52
    diff --git a/src/avatar/old name.txt b/src/avatar/new name.txt
    similarity index 95%
    rename from src/avatar/old name.txt
    rename to src/avatar/new name.txt
    index 130ae4c..174c1f8 100644
    --- a/src/avatar/old name.txt\t
    +++ b/src/avatar/new name.txt\t
    @@ -1,7 +1,7 @@
     row 0
     row 1
     row 2
    -row 3
    +row three
     row 4
     row 5
     row 6
    diff --git a/日本語.md b/日本語.md
    new file mode 100644
    index 0000000..5f0c36c
    --- /dev/null
    +++ b/日本語.md
    @@ -0,0 +1,3 @@
    +# 画像
    +
    +hostile: \u{1B}[31mred\u{1B}[0m \u{202E}gnp.exe\u{202C} \u{7} end
    \\ No newline at end of file

    """
