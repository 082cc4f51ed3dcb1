"""
How natural a run of characters is: words and identifiers on one side, what a random generator made on the other.

A chain of character pairs, counted over the distinct words of program sources and documentation (Python packages, JavaScript, Markdown,
HTML; half a million words, without hexadecimal and base64 ones), says how many bits a word costs as a name. Random characters cost
log2 of their alphabet each, a name less. Measured on words that were not counted (C, Rust, another vendor's Python; encoded data among
them not taken out), 16 characters long: half are below -27, nine in ten below -12, one in a hundred above 6. Of random hexadecimal one
in a hundred is below 6, of random lower-case letters and digits below 18. So alone it decides nothing: it is asked where a name speaks of
a secret.
"""

from __future__ import annotations

import re
from math import log2
from operator import add

_SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0-"  # every digit is 0, every other character -

# A row for each first character, a column for each second: the cost of the second in half bits, as a digit of base 36.
# fmt: off
_ROWS = (
    "ha89geambme787q9o685cedecenplonosrnzrmpqpnonjmpnuyywif",  # a
    "6dbc6dhj8al6fe8eoaaf7kklbokmkkklttlzrmomnktghkpopuzzdc",  # b
    "8gcf7fk8bq89gk3ho9c7aklneslpklmmqsltlnooplzllmqorzzvhe",  # c
    "8efb2edl7jjcgh9fodbdbjklfuhigighmlipmiiijhohfhkjjvvpga",  # d
    "af99dcdkg9l8b7hcd668ideaenhjfhhillhoniiijhogfgkkkpuvj9",  # e
    "8edd88hm5ujahe7hs9ba9nmmdsopmnnprrouunnpqqvmnnpqozzxe8",  # f
    "ajgi4jc98sn9c99il89b9jjogkjkfhhjimhlmiijjhqgfgjkkxznn9",  # g
    "6gji5klo5thech6hlbd7cnkrdoikgiiijmiqliiljgkhfhmmmzzwla",  # h
    "bb89ab9olph9a56bkb75kctdtcrwoqpupztzussxvsxrqsxrwzzztg",  # i
    "cpil7qsohufjllakjo1leoktrtsxuxtxtxsxxxurxohxtuutxxxxtf",  # j
    "9hff3ddj7onceddelf7faicfgjgjefghjkeqlghjhfpedgkjlpruo9",  # k
    "7fhb57gl6pi6ij8fsia99fnpcrjmhiiknmjsqkkllirihjolouwuqa",  # l
    "6bjf5lmo6nlb6h97ojbhckmqfolmjklnopllpmlmnkukjlqmpzxvn8",  # m
    "8j978b7kakeghd4dnj76cdljimilgihjlmilojijkhrgghmknxwqpb",  # n
    "eca5jecoehe955bau6ca9dchinopmmpottnnsmnrpnunkonqrxzzuf",  # o
    "6kfb6hjc9ti7gi79o7b86jmp9mjmjllknoisrljlnkqiilplozzymc",  # p
    "jngijhpjlupaigmhjcbg1jluukokmunnujpuuumummunlpuqnpuuob",  # q
    "7ibc5fal7qcebc7gpa889cjqasilgiikjmiqpkjjjiqihinknzzxpb",  # r
    "cmah5gib8peegi9aii85aihpcsjkijjjnoisqjkkjisfijmlkzzxn8",  # s
    "7kdf5hk86uledj9eq8abclgiamgifgghjjhkmhhiigogfgljksvvo9",  # t
    "babb7cdratl587f8u766mlsiunxvpysvwxszzwyzuszyrtwwzyzxoi",  # u
    "4kfi2kem5ypiehbdlheiimmrkqnoplkpqpsytmppnoyqknqnqvyygd",  # v
    "6igf7gj95qkch96fn76fmliqqrijfhjjlkixqhjkkithehmkksssoa",  # w
    "aj8h7goh8qnfdkg5lfc4jingcpjihhhillisphijfhrggjnmlsxuj8",  # x
    "dfdecidkfsna89e5ng88khfopiegdeefgienlfggfdmdcehgjrqlm8",  # y
    "7nkk2hnh8ulbgi4jnihginopdernulmourpunrnumkuuprupuuuupd",  # z
    "md79jecmkvn8c9v9n7788eghrnkecdihfrfvibbbqapaa9fcdflmme",  # A
    "4tml8hmk7ot9nl7tp8kn5ntn8tdicjcjkmcmmcikehpedfdnppgnmf",  # B
    "7ppmbkn8fww7hl2jw8ijbpnwjwdjfidfiedtfeegbfrfddhenknrlf",  # C
    "6inv2qqn6qslnh7mvcindvsvevedjf9gjkbvkfeidiogeggmnnovsf",  # D
    "emicpgjvipv9b6njb7eji8p5osbhaagefnkqjdd9hbg9abkglbepnc",  # E
    "5uoj9qpq4uu8uh5nu7im7uqmuudldgffkhbuqhkodkpfeefumqoukg",  # F
    "8jjs3splcspamlcps4kj9psphkghfjajgecnddfehhsdffflmomoid",  # G
    "4rrl5rrr8orhkj7krkeacorrao8ifi9ojibrdiclagogi9koorjoge",  # H
    "gsg6ifgqovvk93hdvkb9fovsvvcgbaffdlhsmcc7bcpbbbnemhvhre",  # I
    "8pmkbpmpcpppip2jpk6japhggggpphgpppgmmjimhipm4phpfpppnf",  # J
    "alkk2nng8qqficcqkdkidfgkkqcfad7ffjeqnecfebfdadggfqqnje",  # K
    "7jnm7nru3uumpn6rurlljpuulucjdf7gikamfcfjbauecceikuimpd",  # L
    "4phr5lrr8urnrm5mnpgk9rppbpahgf9jmlcugafke9kiedimkirrrd",  # M
    "5uoo8uprguuorr3nuohk9uruouaibaae9jduggieberg89dflukumf",  # N
    "l8fjk8opqtkhi8l5t8hg7bdqttffccigfqemhca6fbt9cccgenmooe",  # O
    "4knl9nscbvkavs6nv4igalqqarclehbmng9vgdgiegscefgpovhvif",  # P
    "oklofoojhoolkhkloljd1ohioogfikioooloo7hhigbbdj8ilooosa",  # Q
    "9vmo1ovodvvrnr9pvnlo8rpsrvckff9fhobsjcffchredebimvgvnf",  # R
    "cs9r5rsb9wgfgc9agmk48pio9pejdgbikedphbgibfhhcbgilkjwlf",  # S
    "6oks6sr98vkglp7rv5kldvgn6vblgh9ipcasicgiddsbechlmmdone",  # T
    "nlqimmqqgtojk6n5t96clottttegegehjo8tt8eaket8bcjmtottcc",  # U
    "3smm4snn6spnem8asmlhhpssnsbkej7jmkdsspfdmcplehnkssssgg",  # V
    "6lro7mr84rlrmm5lr6elmrorrrekikfojhereklgfkoe8imrkrrrtg",  # W
    "ejgjdjooeokifjcjogfcjoikfo7gaeagefbojf6ge6ibc8oko8gog8",  # X
    "8jmh9mjgammhmhammjfddgmmmmbmgmeggmdmmbdbb5mha8mhemhgn7",  # Y
    "aihh4mhd9mmbih5gmgbdfhfimmfimf8ifmdmfidmbgmhbimmiim9k9",  # Z
    "aaaaaassrvxqqrunrpkpqownzznmmlmqxuozuntvrnzonorpuuzz8c",  # 0
    "9b79aabc9ffaa6b8h989ccdgkjhjhijhkliookigjipiggkmmprped",  # -
)
# fmt: on

_COSTS = {
    first + second: int(cost, 36) / 2
    for first, row in zip(_SYMBOLS, _ROWS, strict=True)
    for second, cost in zip(_SYMBOLS, row, strict=True)
}
_OTHER = re.compile(r"[^a-zA-Z0]")
_DIGITS = str.maketrans("123456789", "000000000")
_ALPHABETS = (  # the smallest that has all characters of a value: what a generator may have drawn from
    (re.compile(r"[0-9]+"), log2(10)),
    (re.compile(r"[0-9a-f]+|[0-9A-F]+"), log2(16)),
    (re.compile(r"[0-9a-z]+|[0-9A-Z]+"), log2(36)),
    (re.compile(r"[0-9a-zA-Z]+"), log2(62)),
)
_BITS_OF_THE_REST = log2(68)


def surprise(value: str) -> float:
    """
    How much cheaper `value` is as random characters than as a name, in bits: above 0 it looks random, below 0 it looks written.

    Only ever a few hundred characters: the cost is linear in the length.
    """
    # A constant is a name in capitals: counted as one, or it would look like base32.
    folded = _OTHER.sub("-", (value.lower() if value.isupper() else value).translate(_DIGITS))
    natural = sum(map(_COSTS.__getitem__, map(add, folded, folded[1:])))
    bits = next((bits for alphabet, bits in _ALPHABETS if alphabet.fullmatch(value)), _BITS_OF_THE_REST)
    return natural - bits * (len(value) - 1)
